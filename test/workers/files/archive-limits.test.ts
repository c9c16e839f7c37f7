import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { processFile } from '../../../workers/files.ts'
import { openFiles, read } from './archive/subject.ts'
import { tar } from './archive/tar-writer.ts'
import { zip, type ZipEntry, type ZipFrame } from './archive/zip-writer.ts'
import { runningTask, store } from './subject.ts'

const entries: ZipEntry[] = [
  { name: 'a.txt', data: 'some text '.repeat(100), deflate: true },
  { name: 'b.txt', data: 'more' },
]

// Before the others, which open files at the same time.
test.serial('no file stays open, whether an archive is sound, broken, hostile or given up', async (t) => {
  const packed = await tar([[{ name: 'a' }, 'x'.repeat(5000)]])
  const contents: ['zip' | 'gz' | 'tar', Buffer][] = [
    ['zip', zip(entries)],
    ['zip', zip([{ name: 'more', data: Buffer.alloc(1_000_000), deflate: true, both: { size: 10 } }])],
    ['zip', zip([{ name: 'bad', data: '\xff\xff', both: { method: 8 } }])],
    ['zip', zip(entries).subarray(0, 100)],
    ['zip', zip(entries, { entries: 9 })],
    ['gz', gzipSync('x')],
    ['gz', gzipSync(randomBytes(200_000)).subarray(0, 100_000)],
    ['gz', gzipSync(Buffer.alloc(20_000_000))],
    ['gz', gzipSync(packed)],
    ['gz', gzipSync(packed.subarray(0, 1000))],
    ['tar', packed],
    ['tar', packed.subarray(0, 1000)],
  ]
  const readAll = async (signal: AbortSignal) => {
    for (const [extension, content] of contents) await read(t, content, extension, { signal }).catch(() => {})
  }
  await readAll(new AbortController().signal)
  const before = openFiles()
  for (let round = 0; round < 5; round++) {
    await readAll(new AbortController().signal)
    await readAll(AbortSignal.abort(new Error('stopping')))
  }
  t.is(openFiles(), before)
})

const broken: [string, Buffer][] = [
  ['nothing but the beginning', Buffer.from('PK\x03\x04')],
  ['half an archive', zip(entries).subarray(0, 60)],
  ['an archive that lacks its last byte', zip(entries).subarray(0, -1)],
  ['a directory beyond the file', zip(entries, { directoryOffset: 5_000_000 })],
  ['a directory beyond the file, zip64', zip(entries, { directoryOffset: 5_000_000_000, zip64: true })],
  ['65,535 entries claimed, and none there', zip([], { entries: 65_535 })],
  ['2 ** 53 entries claimed, and none there', zip([], { entries: 999_999, zip64: true })],
  ['more entries claimed than there are', zip(entries, { entries: 3 })],
  ['a comment that claims to be longer than it is', longComment()],
  [
    'an extra field that reaches beyond itself',
    zip([{ name: 'x', both: { extra: Buffer.from([1, 0, 99, 0]) } }]),
  ],
  [
    'zip64 sizes that are not there',
    zip([{ name: 'x', central: { size: 0xffffffff, extra: Buffer.from([1, 0, 0, 0]) } }]),
  ],
]
for (const [what, content] of broken) {
  test(`${what} is BROKEN_ARCHIVE`, async (t) => {
    const error = await t.throwsAsync(read(t, content, 'zip'), { code: 'BROKEN_ARCHIVE' })
    t.regex(error?.message ?? '', /^Expected a whole ZIP archive, got /)
  })
}

test('an archive of several parts, or with strong encryption, is UNSUPPORTED_ARCHIVE', async (t) => {
  const encrypted = zip([{ name: 'x', both: { flags: 0x41 } }])
  await t.throwsAsync(read(t, encrypted, 'zip'), {
    code: 'UNSUPPORTED_ARCHIVE',
    message: /strong encryption/,
  })
  const part = zip(entries)
  part.writeUInt16LE(2, part.length - 18)
  await t.throwsAsync(read(t, part, 'zip'), { code: 'UNSUPPORTED_ARCHIVE', message: /several parts/ })
})

test('more than a million entries are ARCHIVE_TOO_LARGE before one of them is read', async (t) => {
  const frame: ZipFrame = { entries: 1_000_001, zip64: true }
  const error = await t.throwsAsync(read(t, zip(entries, frame), 'zip'), { code: 'ARCHIVE_TOO_LARGE' })
  t.is(error?.message, 'Expected at most 1000000 entries, got 1000001 or more')
})

test('a comment that holds the mark of an end hides nothing: the archive is read or refused', async (t) => {
  t.like(await read(t, zip(entries, { comment: 'see PK\x05\x06 there' }), 'zip'), { entries: 2 })
  const second = zip([{ name: 'other' }], { comment: 'x'.repeat(50) })
  await t.throwsAsync(read(t, zip(entries, { comment: Buffer.concat([second, Buffer.from('x')]) }), 'zip'), {
    code: 'BROKEN_ARCHIVE',
  })
})

test('offsets that lie in every field of a header never end the thread', async (t) => {
  const fields = ['offset', 'size', 'compressedSize', 'crc', 'flags', 'method', 'attributes'] as const
  for (const field of fields) {
    for (const value of [0, 1, 0x7fff, 0xffff, 0x7fffffff, 0xfffffffe, 0xffffffff]) {
      const lie = { [field]: field === 'flags' || field === 'method' ? value & 0xffff : value }
      for (const place of ['both', 'central', 'local'] as const) {
        const content = zip([{ ...entries[0]!, [place]: lie }, entries[1]!])
        await read(t, content, 'zip').catch((error: { code: string }) => {
          t.true(['BROKEN_ARCHIVE', 'UNSUPPORTED_ARCHIVE'].includes(error.code), `${place} ${field} ${value}`)
        })
      }
    }
  }
  t.pass()
})

test('half an archive of any length is an error or a description, and never anything else', async (t) => {
  const packed = await tar([
    [{ name: 'a' }, 'x'.repeat(600)],
    [{ name: 'b' }, 'y'],
  ])
  const wholes = { zip: zip(entries), gz: gzipSync(packed), tar: packed }
  for (const [extension, whole] of Object.entries(wholes)) {
    for (let length = 0; length < whole.length; length += 37) {
      const reading = read(t, whole.subarray(0, length), extension as 'zip')
      await reading.catch((error: { code: string }) => t.is(error.code, 'BROKEN_ARCHIVE'))
    }
  }
  t.pass()
})

test('progress grows from 0 to 1 and says what is done', async (t) => {
  const many = Array.from({ length: 1500 }, (_, index) => ({ name: `${index}.txt`, data: 'x' }))
  const packed = await tar([[{ name: 'a' }, randomBytes(400_000)]])
  const contents: ['zip' | 'gz' | 'tar', Buffer, RegExp][] = [
    ['zip', zip(many), /^(entry \d+ of 1500|verifying entries)$/],
    ['gz', gzipSync(packed), /^inflating$/],
    ['tar', packed, /^entry \d$/],
  ]
  for (const [extension, content, message] of contents) {
    const said: [number, string][] = []
    await read(t, content, extension, { progress: (...words) => said.push(words) })
    const fractions = said.map(([fraction]) => fraction)
    t.true(said.length >= 3, extension)
    t.deepEqual(
      fractions,
      fractions.toSorted((a, b) => a - b),
    )
    t.true(fractions.every((fraction) => fraction >= 0 && fraction <= 1))
    t.true(said.every(([, words]) => message.test(words)))
  }
})

test("a stopped attempt ends with the signal's reason, between entries and between chunks", async (t) => {
  const reason = new Error('stopping')
  const many = Array.from({ length: 1500 }, (_, index) => ({ name: `${index}.txt`, data: 'x' }))
  const packed = await tar([[{ name: 'a' }, randomBytes(400_000)]])
  for (const [extension, content, when] of [
    ['zip', zip(many), 'entry 500 of 1500'],
    ['zip', zip(many), 'verifying entries'],
    ['gz', gzipSync(packed), 'inflating'],
    ['tar', packed, 'entry 1'],
  ] as const) {
    const stop = new AbortController()
    const progress = (_: number, message: string) => {
      if (message === when) stop.abort(reason)
    }
    const reading = read(t, content, extension, { signal: stop.signal, progress })
    t.is(await t.throwsAsync(reading), reason, when)
  }
})

test('a file that is gone while it waits fails with the error of the system', async (t) => {
  const file = await store(t, zip(entries))
  const task = runningTask()
  const gone = { ...file, path: `${file.path}.gone` }
  await t.throwsAsync(
    task.run(() => processFile(gone)),
    { code: 'ENOENT' },
  )
})

test('processFile() describes an archive that was uploaded under any name', async (t) => {
  const packed = await tar([[{ name: 'a.txt' }, 'x'.repeat(5000)]])
  const formats: [string, Buffer][] = [
    ['zip', zip(entries)],
    ['gzip', gzipSync(packed)],
    ['tar', packed],
  ]
  for (const [format, content] of formats) {
    const file = await store(t, content, { name: 'holiday.jpg', type: 'image/jpeg' })
    const result = await runningTask().run(() => processFile(file))
    t.like(result, { kind: { family: 'archive' }, archive: { format, safe: true }, variants: [] })
  }
})

function longComment(): Buffer {
  const content = zip(entries, { comment: 'short' })
  content.writeUInt16LE(60_000, content.length - 7)
  return content
}
