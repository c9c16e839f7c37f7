import { extname } from 'node:path'

/** What a file of the corpus is meant to be, by its name: only to choose and to count by. */
export const groups = ['image', 'pdf', 'table', 'archive', 'text', 'other'] as const
export type Group = (typeof groups)[number]

const extensions: Record<Exclude<Group, 'other'>, string> = {
  image:
    'jpg jpeg jpe jfif exv png apng gif webp avif tif tiff svg svgz bmp dib ico cur heic heif jxl jp2 j2k jpx psd ' +
    'pnm ppm pgm pbm pcx tga xpm xbm qoi dng cr2 nef arw orf rw2 raf crw mrw pef icns dds',
  pdf: 'pdf',
  table: 'csv tsv tab dat',
  archive:
    'zip zipx gz tgz tar 7z rar xz bz2 zst lz lzma lz4 lzo z jar apk docx xlsx pptx odt ods epub whl cab iso lha ' +
    'lzh cpio ar a xar warc mtree rpm gzip deb',
  text: 'txt text json jsonl ndjson md markdown html htm xhtml xml xsd rtf ics vcf srt ini yml yaml',
}

const byExtension = new Map(
  Object.entries(extensions).flatMap(([group, names]) =>
    names.split(' ').map((name): [string, Group] => [`.${name}`, group as Group]),
  ),
)

/** The group of a file by its name, or undefined when its name says nothing. */
export function groupOf(path: string): Group | undefined {
  return byExtension.get(extname(path).toLowerCase())
}
