/** Something that ships the files its own tests are made of. */
export interface Source {
  name: string
  /** An npm package; a binary package of Debian's, the first name that there is; or what a source package is made of. */
  from: { npm: string } | { deb: readonly string[] } | { source: string }
  /** Of the package, for those who want to look closer: the files are only ever downloaded, never passed on. */
  licence: string
  /** Which of its files: parts of their paths. Without: all that have a name of a known kind. */
  folders?: readonly string[]
}

/** Test files of libraries that read what we read; many of them are there because they once broke one. */
export const sources: readonly Source[] = [
  { name: 'csv-spectrum', from: { npm: 'csv-spectrum@2.0.0' }, licence: 'BSD-2-Clause' },
  { name: 'exif-parser', from: { npm: 'exif-parser@0.1.12' }, licence: 'MIT', folders: ['/test/'] },
  { name: 'pdf-parse', from: { npm: 'pdf-parse@1.1.1' }, licence: 'MIT', folders: ['/test/data/'] },
  {
    name: 'go',
    from: { deb: ['golang-1.24-src', 'golang-1.23-src', 'golang-1.19-src'] },
    licence: 'BSD-3-Clause',
    folders: ['/testdata/'],
  },
  {
    name: 'go-image',
    from: { deb: ['golang-golang-x-image-dev'] },
    licence: 'BSD-3-Clause',
    folders: ['/testdata/'],
  },
  {
    name: 'python',
    from: { deb: ['libpython3.13-testsuite', 'libpython3.12-testsuite', 'libpython3.11-testsuite'] },
    licence: 'PSF-2.0',
    folders: ['/test/'],
  },
  { name: 'pillow', from: { source: 'pillow' }, licence: 'HPND', folders: ['/Tests/images/'] },
  { name: 'tiff', from: { source: 'tiff' }, licence: 'libtiff', folders: ['/test/'] },
  { name: 'libpng', from: { source: 'libpng1.6' }, licence: 'libpng-2.0' },
  { name: 'giflib', from: { source: 'giflib' }, licence: 'MIT' },
  { name: 'libavif', from: { source: 'libavif' }, licence: 'BSD-2-Clause', folders: ['/tests/'] },
  { name: 'libheif', from: { source: 'libheif' }, licence: 'LGPL-3.0+', folders: ['/corpus/'] },
  { name: 'libgd', from: { source: 'libgd2' }, licence: 'GD', folders: ['/tests/'] },
  { name: 'gdk-pixbuf', from: { source: 'gdk-pixbuf' }, licence: 'LGPL-2.1+', folders: ['/tests/'] },
  { name: 'exiv2', from: { source: 'exiv2' }, licence: 'GPL-2.0+', folders: ['/test/data/'] },
  { name: 'libexif', from: { source: 'libexif' }, licence: 'LGPL-2.1+', folders: ['/test/testdata/'] },
  { name: 'qpdf', from: { source: 'qpdf' }, licence: 'Apache-2.0', folders: ['/qtest/', '/fuzz/'] },
  { name: 'pypdf', from: { source: 'pypdf' }, licence: 'BSD-3-Clause' },
  { name: 'pikepdf', from: { source: 'pikepdf' }, licence: 'MPL-2.0', folders: ['/tests/'] },
  { name: 'pdfminer', from: { source: 'pdfminer' }, licence: 'MIT', folders: ['/samples/'] },
  { name: 'pdfbox', from: { source: 'libpdfbox2-java' }, licence: 'Apache-2.0', folders: ['/test/'] },
  { name: 'libarchive', from: { source: 'libarchive' }, licence: 'BSD-2-Clause', folders: ['/test/'] },
  { name: 'libzip', from: { source: 'libzip' }, licence: 'BSD-3-Clause', folders: ['/regress/'] },
  { name: 'zziplib', from: { source: 'zziplib' }, licence: 'LGPL-2.0+', folders: ['/test/'] },
  { name: 'miller', from: { source: 'miller' }, licence: 'BSD-2-Clause', folders: ['/test/'] },
  { name: 'pandas', from: { source: 'pandas' }, licence: 'BSD-3-Clause', folders: ['/tests/'] },
  { name: 'csvkit', from: { source: 'csvkit' }, licence: 'MIT', folders: ['/examples/'] },
  { name: 'rapidjson', from: { source: 'rapidjson' }, licence: 'MIT', folders: ['/bin/'] },
  {
    name: 'simdjson',
    from: { source: 'simdjson' },
    licence: 'Apache-2.0',
    folders: ['/jsonexamples/', '/jsonchecker/'],
  },
  {
    name: 'data.table',
    from: { deb: ['r-cran-data.table'] },
    licence: 'MPL-2.0',
    folders: ['/tests/'],
  },
  { name: 'readr', from: { deb: ['r-cran-readr'] }, licence: 'MIT', folders: ['/extdata/'] },
  { name: 'csv-xs', from: { source: 'libtext-csv-xs-perl' }, licence: 'Artistic or GPL-1.0+' },
  { name: 'uchardet', from: { source: 'uchardet' }, licence: 'MPL-1.1', folders: ['/test/'] },
]
