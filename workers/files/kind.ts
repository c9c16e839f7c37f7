import { fileTypeFromFile } from 'file-type'

/** Which reader a file is for; `other` has none. */
export type Family = 'image' | 'table' | 'pdf' | 'archive' | 'text' | 'other'

/** What a file is by its content, whatever its name and the client say. */
export interface Kind {
  family: Family
  /** Without the dot, such as `jpg` or `csv`. */
  extension: string
  mime: string
  /** Of what is text: a label of the WHATWG Encoding Standard, such as `utf-8` or `windows-1252`. */
  encoding?: string
}

const images = new Set([
  'image/jpeg',
  'image/png',
  'image/apng',
  'image/webp',
  'image/avif',
  'image/gif',
  'image/tiff',
])

/** Looks at the content of a file; null when nothing is known of it. */
export async function kindOf(path: string): Promise<Kind | null> {
  const type = await fileTypeFromFile(path)
  if (type === undefined) return null
  return { family: images.has(type.mime) ? 'image' : 'other', extension: type.ext, mime: type.mime }
}
