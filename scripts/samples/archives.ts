import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { zip } from './zip.ts'

/** Archives that are what they seem, and some that are not. */
export async function archives(poem: Buffer, people: Buffer): Promise<Record<string, Buffer>> {
  const plain = zip(
    [
      { name: 'poems/', content: '', method: 0 },
      { name: 'poems/Über allen Gipfeln.txt', content: poem },
      { name: 'people.csv', content: people },
      { name: 'stored.bin', content: Buffer.alloc(100, 7), method: 0 },
    ],
    'Made by scripts/samples.ts',
  )
  return {
    'plain.zip': plain,
    'plain-half.zip': plain.subarray(0, Math.floor(plain.length / 2)),
    'hostile.zip': hostile(),
    'letter.docx': docx(),
    'backup.tar': await backup(people),
    'backup.tar.gz': gzipSync(await backup(people), { level: 9 }),
    'poem.txt.gz': gzipSync(poem, { level: 9 }),
  }
}

/** What must never be unpacked as it says. */
function hostile(): Buffer {
  return zip([
    { name: '../../etc/cron.d/evil', content: 'a name that leaves the folder' },
    { name: '/etc/passwd', content: 'an absolute name' },
    { name: 'C:\\Windows\\evil.exe', content: 'a name with a drive letter' },
    { name: 'link', content: '/etc/shadow', method: 0, mode: 0o120_777 },
    { name: 'Twice.txt', content: 'first' },
    { name: 'twice.txt', content: 'second' },
    { name: 'photo\u202egpj.exe', content: 'a name that shows as another' },
    { name: 'secret.txt', content: 'an entry that says it is encrypted', encrypted: true },
    { name: 'inner.zip', content: zip([{ name: 'inside.txt', content: 'an archive in an archive' }]) },
    { name: 'zeroes.bin', content: Buffer.alloc(4_000_000) },
  ])
}

/** The least that Word opens. */
function docx(): Buffer {
  const xml = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
  const office = 'http://schemas.openxmlformats.org'
  return zip([
    {
      name: '[Content_Types].xml',
      content: `${xml}<Types xmlns="${office}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/><Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>`,
    },
    {
      name: '_rels/.rels',
      content: `${xml}<Relationships xmlns="${office}/package/2006/relationships"><Relationship Id="r1" Type="${office}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/><Relationship Id="r2" Type="${office}/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>`,
    },
    {
      name: 'docProps/core.xml',
      content: `${xml}<cp:coreProperties xmlns:cp="${office}/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>A letter &amp; more</dc:title><dc:creator>A. Sample</dc:creator></cp:coreProperties>`,
    },
    {
      name: 'word/document.xml',
      content: `${xml}<w:document xmlns:w="${office}/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>Dear reader,</w:t></w:r></w:p></w:body></w:document>`,
    },
  ])
}

async function backup(people: Buffer): Promise<Buffer> {
  const mtime = new Date('2024-06-01T16:30:15Z')
  const tar = pack()
  tar.entry({ name: 'backup/', type: 'directory', mtime })
  tar.entry({ name: 'backup/people.csv', mtime }, people)
  tar.entry({ name: 'backup/latest', type: 'symlink', linkname: 'people.csv', mtime })
  tar.finalize()
  return buffer(tar)
}
