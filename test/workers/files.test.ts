import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoredFile } from 'afterwork/worker'
import test from 'ava'
import sharp from 'sharp'
import { processFile } from '../../workers/files.ts'
import { folderOf, runningTask, sha256, store } from './files/subject.ts'

function plain(width: number, height: number, background = 'red') {
  return sharp({ create: { width, height, channels: 3, background } })
}

test('a retry overwrites what the attempt before it left', async (t) => {
  const file = await store(t, await plain(300, 200).jpeg().toBuffer())
  const first = await processFile(file)
  await writeFile(`${file.path}.w160.webp`, 'half a thumb')
  t.deepEqual(await processFile(file), first)
  t.is((await sharp(`${file.path}.w160.webp`).metadata()).width, 160)
})

test('text is hashed, counted and shown, and nothing is made of it', async (t) => {
  const text = 'To whom it may concern\n'
  const file = await store(t, text, { name: 'letter.txt', type: 'text/plain' })
  t.deepEqual(await processFile(file), {
    id: 'original',
    name: 'letter.txt',
    size: text.length,
    sha256: sha256(text),
    kind: { family: 'text', extension: 'txt', mime: 'text/plain', encoding: 'utf-8' },
    text: {
      encoding: 'utf-8',
      bom: false,
      lineEndings: 'lf',
      lines: 1,
      words: 5,
      characters: text.length,
      longestLine: text.length - 1,
      invalid: 0,
      preview: 'To whom it may concern',
    },
    variants: [],
  })
})

test('a file of which nothing is known is hashed and left at that', async (t) => {
  const bytes = Buffer.from(Array.from({ length: 300 }, (_, index) => (index * 37) % 256))
  const { kind, variants, ...rest } = await processFile(await store(t, bytes))
  t.is(kind, null)
  t.deepEqual(variants, [])
  t.deepEqual(Object.keys(rest).sort(), ['id', 'name', 'sha256', 'size'])
})

test('an empty file is no error', async (t) => {
  const result = await processFile(await store(t, ''))
  t.like(result, { size: 0, sha256: sha256(''), kind: null })
})

test('size and hash cover all of a file of several chunks, whatever size was claimed', async (t) => {
  const content = Buffer.alloc(3_500_000, 'afterwork ')
  const result = await processFile(await store(t, content, { size: 1 }))
  t.is(result.size, content.length)
  t.is(result.sha256, sha256(content))
})

test('the content says what a file is, not its name or claimed type', async (t) => {
  const json = await store(t, '{"a":1}', { name: 'photo.jpg', type: 'image/jpeg' })
  t.like(await processFile(json), { kind: { extension: 'json' }, text: { json: { valid: true } } })
  const png = await store(t, await plain(10, 10).png().toBuffer(), { name: 'notes.txt', type: 'text/plain' })
  t.like(await processFile(png), { kind: { extension: 'png', mime: 'image/png' }, image: { format: 'png' } })
})

test('a heic, which sharp cannot decode, is known but not reduced', async (t) => {
  const header = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')
  t.like(await processFile(await store(t, header)), {
    kind: { mime: 'image/heic' },
    variants: [],
  })
})

test('wrong widths are refused before the file is read', async (t) => {
  const file: StoredFile = {
    id: 'none',
    name: 'none',
    type: '',
    size: 0,
    path: join(tmpdir(), 'afterwork-no-such-file'),
  }
  const wrong: [unknown, string][] = [
    [[0], '[ 0 ]'],
    [[4097], '[ 4097 ]'],
    [[99.5], '[ 99.5 ]'],
    [['160'], "[ '160' ]"],
    [[1n], '[ 1n ]'],
    [160, '160'],
    [Array(9).fill(100), '[ 100, 100, 100, 100, 100, 100, 100, 100, 100 ]'],
  ]
  for (const [widths, got] of wrong) {
    await t.throwsAsync(processFile(file, { widths: widths as number[] }), {
      code: 'BAD_WIDTHS',
      message: `widths: Expected at most 8 whole numbers from 1 to 4096, got ${got}`,
    })
  }
})

test("a file that is gone fails with the system's error", async (t) => {
  const file = await store(t, '')
  await rm(file.path)
  await t.throwsAsync(processFile(file), { code: 'ENOENT' })
})

test('progress grows with every chunk and thumbnail', async (t) => {
  const said: [number, string][] = []
  const task = runningTask((fraction, message) => said.push([fraction, message]))
  const photo = Buffer.concat([await plain(800, 600).jpeg().toBuffer(), Buffer.alloc(3_000_000)])
  const file = await store(t, photo)
  await task.run(() => processFile(file))
  const fractions = said.map(([fraction]) => fraction)
  t.deepEqual(
    fractions,
    fractions.toSorted((a, b) => a - b),
  )
  t.is(fractions.at(-1), 1)
  t.deepEqual(
    [...new Set(said.map(([, message]) => message))],
    ['reading', 'decoding', 'thumbnail 160', 'thumbnail 640', 'thumbnail 800', 'done'],
  )
})

test("a stopped attempt ends with the signal's reason, between chunks", async (t) => {
  const reason = new Error('stopping')
  for (const content of ['', 'some text', await plain(300, 200).jpeg().toBuffer()]) {
    const file = await store(t, content)
    const task = runningTask()
    const result = task.run(() => processFile(file))
    task.stop(reason)
    t.is(await t.throwsAsync(result), reason)
    t.deepEqual(await folderOf(file), ['original'])
  }
})
