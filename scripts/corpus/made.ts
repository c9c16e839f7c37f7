import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32, deflateSync, gzipSync } from 'node:zlib'
import { zip } from '../samples/zip.ts'
import type { CorpusFile } from './file.ts'
import { groupOf } from './group.ts'

const megabyte = 1024 ** 2

/** What no package ships, for it is large or unpacks to much: each attacks a limit that a reader should have. */
const makers: Record<string, () => Buffer | string> = {
  'brackets.json': () => '['.repeat(megabyte),
  'nested-objects.json': () => '{"a":'.repeat(200_000),
  'endless-string.json': () => `{"a":"${'x'.repeat(20 * megabyte)}`,
  'many-keys.json': () => `{${repeat(500_000, (at) => `"key${at}":${at}`, ',')}}`,
  'many-lines.ndjson': () => repeat(300_000, (at) => `{"id":${at}}`, '\n'),
  'long-number.json': () => `[${'9'.repeat(5 * megabyte)}]`,
  'endless-quote.csv': () => `id,name\n${rows(100)}101,"${rows(500_000)}`,
  'only-quotes.csv': () => `a,b\n${'"'.repeat(5 * megabyte)}`,
  'wide.csv': () => repeat(20, () => repeat(20_000, (at) => `c${at}`, ','), '\n'),
  'long-cell.csv': () => `a,b\n1,${'x'.repeat(4 * megabyte)}\n2,y\n`,
  'all-different.csv': () =>
    `id,name,value\n${repeat(400_000, (at) => `${at},name ${at * 7},${at / 3}`, '\n')}\n`,
  'only-delimiters.csv': () => `a,b\n${','.repeat(5 * megabyte)}\n`,
  'one-line.txt': () => 'word '.repeat(4 * megabyte),
  'no-spaces.txt': () => 'x'.repeat(20 * megabyte),
  'line-ends.txt': () => '\n'.repeat(20 * megabyte),
  'combining.txt': () => `e${'\u0301'.repeat(5 * megabyte)}`,
  'zeroes.bin': () => Buffer.alloc(20 * megabyte),
  'quotes.md': () => `# Title\n\n${'> '.repeat(200_000)}text\n`,
  'links.md': () => `# Title\n\n${'[a]('.repeat(200_000)}\n\n${'*a_ '.repeat(200_000)}\n`,
  'headings.md': () => repeat(200_000, (at) => `# Heading ${at}`, '\n\n'),
  'deep.html': () => `<!doctype html>${'<div>'.repeat(500_000)}`,
  'entities.xml': entities,
  'zeroes.gz': () => gzipSync(Buffer.alloc(500 * megabyte)),
  'nested.gz': () => repeated(10, (inner) => gzipSync(inner), gzipSync('inside')),
  'members.gz': () => Buffer.concat(Array<Buffer>(100_000).fill(gzipSync(''))),
  'zeroes.zip': () => zip([{ name: 'zeroes.bin', content: Buffer.alloc(500 * megabyte) }]),
  'many-entries.zip': () =>
    zip(Array.from({ length: 60_000 }, (_, at) => ({ name: `${at}.txt`, content: '' }))),
  'overlap.zip': overlap,
  'nested.zip': () =>
    repeated(20, (inner) => zip([{ name: 'inner.zip', content: inner }]), zip([{ name: 'a', content: 'b' }])),
  'large-entry.tar': () => tarHeader('large.bin', '77777777777'),
  'many-entries.tar': () => Buffer.concat(Array.from({ length: 30_000 }, (_, at) => tarHeader(`${at}`, '0'))),
  'zeroes.tar.gz': () =>
    gzipSync(Buffer.concat([tarHeader('zeroes.bin', '3777777777'), Buffer.alloc(200 * megabyte)])),
  'profile.png': () =>
    png(1, 1, ['iCCP', Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(200 * megabyte))])]),
  'text.png': () =>
    png(1, 1, ['zTXt', Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(200 * megabyte))])]),
  'largest.png': () => png(2 ** 31 - 1, 2 ** 31 - 1),
  'chunks.png': () =>
    png(1, 1, ...Array.from({ length: 100_000 }, (): [string, Buffer] => ['tEXt', Buffer.from('a\0b')])),
  'frames.gif': () => gif(20_000, 1, 1),
  'large-frames.gif': () => gif(1_000, 5_000, 5_000),
  'loop.tif': loop,
  'segments.jpg': () => jpeg(5_000),
  'count.pdf': () => pdf('<</Type/Pages/Count 2000000000/Kids[]>>'),
  'cycle.pdf': () => pdf('<</Type/Pages/Count 3/Kids[2 0 R 2 0 R 2 0 R]>>'),
  'arrays.pdf': () => pdf(`<</Type/Pages/Count 1/Kids${'['.repeat(500_000)}>>`),
  'stream.pdf': () =>
    pdf(page, contentStream(deflateSync(Buffer.alloc(300 * megabyte, 'q Q '), { level: 9 }))),
  'large-page.pdf': () => pdf(page.replace('[0 0 10 10]', '[0 0 1e9 1e9]'), contentStream(deflateSync(''))),
  'long-text.pdf': () =>
    pdf(page, contentStream(deflateSync(`BT /F1 9 Tf ${'(abc def) Tj 0 -9 Td '.repeat(300_000)} ET`))),
}

/** The files that are made here, written into a folder of the cache when they are first needed. */
export async function made(cache: string): Promise<CorpusFile[]> {
  const folder = join(cache, 'made')
  await mkdir(folder, { recursive: true })
  const files: CorpusFile[] = []
  for (const [name, make] of Object.entries(makers)) {
    const path = join(folder, name)
    if ((await stat(path).catch(() => undefined)) === undefined) {
      await writeFile(`${path}.unfinished`, make())
      await rename(`${path}.unfinished`, path)
    }
    files.push({ path, source: 'made', group: groupOf(name) ?? 'other' })
  }
  return files
}

function repeat(count: number, item: (at: number) => string, between: string): string {
  return Array.from({ length: count }, (_, at) => item(at)).join(between)
}

function repeated(count: number, wrap: (inner: Buffer) => Buffer, core: Buffer): Buffer {
  let wrapped = core
  for (let layer = 0; layer < count; layer++) wrapped = wrap(wrapped)
  return wrapped
}

function rows(count: number): string {
  return repeat(count, (at) => `${at},name\n`, '')
}

/** A billion laughs. */
function entities(): string {
  const levels = repeat(10, (at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`, '\n')
  return `<?xml version="1.0"?>\n<!DOCTYPE l [<!ENTITY l0 "ha">\n${levels}]>\n<l>&l10;</l>\n`
}

/** Ten thousand entries that share one entry's data (David Fifield, A better zip bomb, 2019, in its simplest form). */
function overlap(): Buffer {
  const one = zip([{ name: 'a', content: Buffer.alloc(10 * megabyte) }])
  const directory = one.subarray(one.readUInt32LE(one.length - 6), one.length - 22)
  const end = Buffer.from(one.subarray(one.length - 22))
  const count = 10_000
  end.writeUInt16LE(count, 8)
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(directory.length * count, 12)
  const before = one.subarray(0, one.length - 22 - directory.length)
  return Buffer.concat([before, ...Array<Buffer>(count).fill(directory), end])
}

/** A header of a regular file (POSIX ustar); the size is octal. */
function tarHeader(name: string, size: string): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write('0000644', 100)
  header.write(`${size.padStart(11, '0')}\0`, 124)
  header.write('00000000000\0        0', 136, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

function png(width: number, height: number, ...chunks: (readonly [type: string, data: Buffer])[]): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.writeUInt8(8, 8)
  const all = [
    ['IHDR', header],
    ...chunks,
    ['IDAT', deflateSync(Buffer.alloc(2))],
    ['IEND', Buffer.alloc(0)],
  ] as const
  const written = all.map(([type, data]) => {
    const [length, sum, body] = [Buffer.alloc(4), Buffer.alloc(4), Buffer.concat([Buffer.from(type), data])]
    length.writeUInt32BE(data.length)
    sum.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, sum])
  })
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...written])
}

/** Frames of one pixel on a canvas of that size. */
function gif(frames: number, width: number, height: number): Buffer {
  const header = Buffer.from('GIF89a\0\0\0\0\x80\0\0\0\0\0\xff\xff\xff', 'latin1')
  header.writeUInt16LE(width, 6)
  header.writeUInt16LE(height, 8)
  const frame = Buffer.from('21f904000a000000', 'hex')
  const image = Buffer.from('2c0000000001000100000202440100', 'hex')
  return Buffer.concat([
    header,
    ...Array<Buffer>(frames).fill(Buffer.concat([frame, image])),
    Buffer.from(';'),
  ])
}

/** A directory whose next one is itself. */
function loop(): Buffer {
  const bytes = Buffer.alloc(26)
  bytes.write('II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x01\0\0\0\x08\0\0\0', 'latin1')
  return bytes
}

/** So many comments of 64 kB, and then a JPEG that has only its end. */
function jpeg(comments: number): Buffer {
  const comment = Buffer.concat([Buffer.from([0xff, 0xfe, 0x10, 0x00]), Buffer.alloc(0x0ffe, 'x')])
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    ...Array<Buffer>(comments).fill(comment),
    Buffer.from([0xff, 0xd9]),
  ])
}

const page =
  '<</Type/Pages/Count 1/Kids[3 0 R]>>\nendobj\n3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 10 10]/Contents 4 0 R/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>'

function contentStream(data: Buffer): Buffer {
  const head = `4 0 obj\n<</Length ${data.length}/Filter/FlateDecode>>\nstream\n`
  return Buffer.concat([Buffer.from(head), data, Buffer.from('\nendstream\nendobj\n')])
}

/** Without a table of its objects: readers look for them. */
function pdf(pages: string, more: Buffer = Buffer.alloc(0)): Buffer {
  const objects = `%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n${pages}\nendobj\n`
  return Buffer.concat([Buffer.from(objects), more, Buffer.from('trailer\n<</Root 1 0 R/Size 5>>\n%%EOF\n')])
}
