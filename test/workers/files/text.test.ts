import { rm } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import type { Kind } from '../../../workers/files/kind.ts'
import { kindOf } from '../../../workers/files/kind.ts'
import type { Reading } from '../../../workers/files/reading.ts'
import { readText } from '../../../workers/files/text.ts'
import { encoded } from './encoded.ts'
import { store } from './subject.ts'

const plain: Kind = { family: 'text', extension: 'txt', mime: 'text/plain', encoding: 'utf-8' }

async function read(t: ExecutionContext, content: Uint8Array | string, reading: Partial<Reading> = {}) {
  const file = await store(t, content)
  const kind = reading.kind ?? (await kindOf(file.path)) ?? plain
  const { signal } = new AbortController()
  const { text } = await readText({ file, kind, signal, progress: () => {}, widths: [], ...reading })
  t.deepEqual(JSON.parse(JSON.stringify(text)), text)
  return text!
}

test('lines, words and characters of a text are counted', async (t) => {
  t.deepEqual(await read(t, 'Dear Anna,\n\nit’s 5 o’clock – well-known 😀.\n'), {
    encoding: 'utf-8',
    bom: false,
    lineEndings: 'lf',
    lines: 3,
    words: 6,
    characters: 43,
    longestLine: 30,
    invalid: 0,
    preview: 'Dear Anna,\n\nit’s 5 o’clock – well-known 😀.',
  })
})

test('each Han or kana character counts as a word, words of other scripts by their spaces', async (t) => {
  t.is((await read(t, '日本語のテスト\n')).words, 7)
  t.is((await read(t, '日本 Node 24 です\n')).words, 6)
  t.is((await read(t, '한국어 문장입니다\n')).words, 2)
  t.is((await read(t, 'Привет, мир — да\n')).words, 3)
  t.is((await read(t, '𠀋𠀋 𝐀𝐁 😀\n')).words, 3)
})

test('lines may end in every way, and the last one need not', async (t) => {
  const cases: [string, number, string | undefined][] = [
    ['a', 1, undefined],
    ['a\n', 1, 'lf'],
    ['a\nb', 2, 'lf'],
    ['a\r\nb\r\n', 2, 'crlf'],
    ['a\rb\rc', 3, 'cr'],
    ['a\n\rb', 3, 'mixed'],
    ['a\r\nb\nc\r', 3, 'mixed'],
    ['\n\n\n', 3, 'lf'],
  ]
  for (const [content, lines, endings] of cases) {
    const text = await read(t, content)
    t.deepEqual(
      [text.lines, text.lineEndings],
      [lines, endings as typeof text.lineEndings],
      JSON.stringify(content),
    )
  }
})

test('a line break, a character and a word may be cut between two pieces of a file', async (t) => {
  for (const size of [128 * 1024, 256 * 1024]) {
    for (const back of [1, 2, 3]) {
      const start = 'x'.repeat(size - back)
      const text = await read(t, `${start}\r\n日本😀é\r\n${start}word`, { kind: plain })
      t.like(text, { lines: 3, lineEndings: 'crlf', words: 5, invalid: 0, longestLine: size - back + 4 })
      t.is(text.characters, 2 * (size - back) + 12)
      const early = await read(t, `${'x'.repeat(size - back - 2)}日😀\n`, { kind: plain })
      t.like(early, { lines: 1, invalid: 0, characters: size - back + 1 })
    }
  }
})

test('every encoding is read, with and without a byte order mark', async (t) => {
  for (const label of ['utf-16le', 'utf-16be', 'utf-32le', 'utf-32be']) {
    const text = await read(t, encoded('\ufeffGrüße 😀\r\nan alle\r\n', label))
    t.like(text, { encoding: label, bom: true, lines: 2, words: 3, characters: 18, invalid: 0 })
    t.is(text.preview, 'Grüße 😀\nan alle')
  }
  t.like(await read(t, '\ufeffGrüße'), { encoding: 'utf-8', bom: true, characters: 5, preview: 'Grüße' })
  t.like(await read(t, encoded('Größe: 5 €\n', 'windows-1252')), {
    encoding: 'windows-1252',
    characters: 11,
    preview: 'Größe: 5 €',
  })
})

test('characters of UTF-16 and of two bytes may be cut between two pieces, too', async (t) => {
  const text = `${'x'.repeat(65_535)}😀${'日'.repeat(70_000)}`
  for (const label of ['utf-16le', 'utf-32be', 'gb18030']) {
    const kind = { ...plain, encoding: label }
    const bytes = label === 'gb18030' ? encoded(text.replace('😀', '日'), label) : encoded(text, label)
    t.like(await read(t, bytes, { kind }), { invalid: 0, characters: 135_536 })
  }
})

test('sequences of bytes that are no character are counted, those that stand for one are not', async (t) => {
  const bytes = Buffer.from('Grüße \ufffd und so weiter, immer weiter: äöüÄÖÜßäöüÄÖÜß\n'.repeat(20))
  t.is((await read(t, bytes, { kind: plain })).invalid, 0)
  bytes[bytes.indexOf('ü') + 1] = 0x20
  bytes[bytes.length - 2] = 0x20
  t.is((await read(t, bytes, { kind: plain })).invalid, 2)
  const cut = encoded('Grüße\ufffd', 'utf-16le').subarray(0, -1)
  t.is((await read(t, cut, { kind: { ...plain, encoding: 'utf-16le' } })).invalid, 1)
})

test('the preview is short, and nothing in it can mislead', async (t) => {
  const { preview } = await read(t, `a\x1b[31mb\u202ec\r\nd\0\n${'😀'.repeat(1000)}`, { kind: plain })
  t.true(preview.startsWith('a[31mbc\nd\n😀'))
  t.is(Array.from(preview).length, 500)
})

test('a line as long as the file takes no more memory than others', async (t) => {
  const content = Buffer.alloc(60_000_000, 'one endless line ')
  const file = await store(t, content)
  let peak = 0
  const progress = () => {
    peak = Math.max(peak, process.memoryUsage().rss)
  }
  const before = process.memoryUsage().rss
  const { signal } = new AbortController()
  const { text } = await readText({ file, kind: plain, signal, progress, widths: [] })
  t.is(text?.longestLine, content.length)
  t.true(peak - before < 100_000_000, `${peak - before}`)
})

test('progress grows to the end, and says what is done', async (t) => {
  const said: [number, string][] = []
  await read(t, 'some text\n'.repeat(100_000), { progress: (...what) => said.push(what) })
  const fractions = said.map(([fraction]) => fraction)
  t.deepEqual(
    fractions,
    fractions.toSorted((a, b) => a - b),
  )
  t.is(fractions.at(-1), 1)
  t.true(said.length > 5 && said.every(([, message]) => message === 'reading text'))
})

test("a stopped attempt ends with the signal's reason, between two pieces", async (t) => {
  const reason = new Error('stopping')
  const controller = new AbortController()
  let pieces = 0
  const progress = () => {
    pieces++
    controller.abort(reason)
  }
  const content = 'some text\n'.repeat(100_000)
  t.is(await t.throwsAsync(read(t, content, { kind: plain, signal: controller.signal, progress })), reason)
  t.is(pieces, 1)
})

test('a file that is gone fails with the error of the system', async (t) => {
  const file = await store(t, '')
  await rm(file.path)
  const { signal } = new AbortController()
  await t.throwsAsync(readText({ file, kind: plain, signal, progress: () => {}, widths: [] }), {
    code: 'ENOENT',
  })
})
