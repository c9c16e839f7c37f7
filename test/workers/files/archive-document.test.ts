import test from 'ava'
import { read } from './archive/subject.ts'
import { zip, type ZipEntry } from './archive/zip-writer.ts'

const core = `<?xml version="1.0"?><cp:coreProperties xmlns:dc="x"><dc:title>Report &amp; plan</dc:title>
  <dc:creator xml:lang="en">  Ada
  Lovelace </dc:creator><dc:subject></dc:subject></cp:coreProperties>`
const app =
  '<Properties><Application>LibreOffice</Application><Pages>12</Pages><Words>3456</Words></Properties>'
const workbook =
  '<workbook><sheets><sheet name="Sales &#252;ber" sheetId="1"/><sheet sheetId="2" name=\'Q2\'/></sheets></workbook>'
const meta = `<office:document-meta><office:meta><dc:title>Brief</dc:title><dc:creator>B</dc:creator>
  <meta:initial-creator>A</meta:initial-creator><meta:document-statistic meta:page-count="3" meta:word-count="99"/>
  </office:meta></office:document-meta>`
const container =
  '<container><rootfiles><rootfile full-path="OPS/book.opf" media-type="x"/></rootfiles></container>'
const opf =
  '<package><metadata><dc:title id="t">Faust</dc:title><dc:language>de</dc:language></metadata></package>'
const manifest = 'Manifest-Version: 1.0\r\nImplementation-Title: tool\r\nCreated-By: 21 (Acme)\r\n'

function part(name: string, data: string): ZipEntry {
  return { name, data, deflate: true }
}

const documents: [string, ZipEntry[], object][] = [
  [
    'a Word file',
    [part('docProps/core.xml', core), part('docProps/app.xml', app)],
    { title: 'Report & plan', author: 'Ada Lovelace', application: 'LibreOffice', pages: 12, words: 3456 },
  ],
  ['a spreadsheet', [part('xl/workbook.xml', workbook)], { sheets: ['Sales über', 'Q2'] }],
  ['an OpenDocument text', [part('meta.xml', meta)], { title: 'Brief', author: 'A', pages: 3, words: 99 }],
  [
    'an e-book',
    [part('OPS/other.opf', 'x'), part('OPS/book.opf', opf), part('META-INF/container.xml', container)],
    { title: 'Faust', language: 'de' },
  ],
  ['a Java archive', [part('META-INF/MANIFEST.MF', manifest)], { title: 'tool', application: '21 (Acme)' }],
]
for (const [what, entries, document] of documents) {
  test(`${what} says what it is about`, async (t) => {
    t.deepEqual((await read(t, zip(entries), 'zip')).document, document)
  })
}

test('a zip that is no document has none', async (t) => {
  const archive = await read(t, zip([part('meta.xml', '<x/>'), part('docProps/core.xml', '')]), 'zip')
  t.false('document' in archive)
})

test('of a hostile part only the first mebibyte is read, and texts are cut', async (t) => {
  const title = `<dc:title>${'x'.repeat(1500)}</dc:title>`
  const late = `${' '.repeat(1024 * 1024)}<dc:creator>late</dc:creator>${' '.repeat(1024 * 1024)}`
  const open = '<dc:title '.repeat(90_000)
  const archive = await read(t, zip([part('docProps/core.xml', title + late)]), 'zip')
  t.is(archive.document?.title?.length, 300)
  t.is(archive.document?.author, undefined)
  t.is((await read(t, zip([part('docProps/core.xml', open)]), 'zip')).document, undefined)
})

test('a damaged part is left out', async (t) => {
  const damaged: ZipEntry = { name: 'docProps/core.xml', data: '\xff\xff', both: { method: 8, size: 9 } }
  const archive = await read(t, zip([damaged, part('docProps/app.xml', app)]), 'zip')
  t.like(archive, { document: { pages: 12 }, findingCounts: { CORRUPT: 1 } })
})
