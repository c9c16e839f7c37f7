import { analyse } from 'chardet'
import { countBytes, type ByteCount } from './bytes.ts'
import { decodeText } from './decoding.ts'
import type { Sample } from './sample.ts'

/** That a file is text, and how its characters are written. */
export interface TextEncoding {
  /** A label of the WHATWG Encoding Standard, or `utf-32le` or `utf-32be`, which it does not have. */
  encoding: string
  /** Bytes of the byte order mark. */
  bom: number
  /** Whether a signature of a binary format would be a coincidence: nothing in the sample is unusual for text. */
  certain: boolean
}

const marks: [string, Buffer][] = [
  ['utf-8', Buffer.from([0xef, 0xbb, 0xbf])],
  ['utf-32le', Buffer.from([0xff, 0xfe, 0, 0])],
  ['utf-32be', Buffer.from([0, 0, 0xfe, 0xff])],
  ['utf-16le', Buffer.from([0xff, 0xfe])],
  ['utf-16be', Buffer.from([0xfe, 0xff])],
]

/** One control character in 200, as when a few bytes of an export went wrong. */
const toleratedControls = 0.005
/** Shorter texts in an encoding without rules may be anything. */
const minimumOfEvidence = 64

/** The byte order mark that a file begins with, and its encoding. */
export function markOf(head: Buffer): { encoding: string; bom: number } | undefined {
  const mark = marks.find(([, bytes]) => head.subarray(0, bytes.length).equals(bytes))
  return mark && { encoding: mark[0], bom: mark[1].length }
}

/**
 * Tells text from binary data, and its encoding: by byte order mark, then UTF-8 if it is valid, UTF-16 by its zeros, and for
 * what is left the guess of chardet, bounded to encodings that TextDecoder knows.
 * @returns undefined for what is not text
 */
export function encodingOf(sample: Sample): TextEncoding | undefined {
  const mark = markOf(sample.head)
  if (mark !== undefined) return marked(sample, mark)
  const count = countBytes([sample.head, sample.middle, sample.end])
  if (count.size === 0) return undefined
  const strange = count.controls / count.size
  const fewControls = strange <= toleratedControls
  if (fewControls && count.invalid === 0) {
    const encoding = count.high === 0 && count.escapes > 0 ? escaped(sample) : 'utf-8'
    return { encoding, bom: 0, certain: count.controls === 0 }
  }
  // A log in which few characters are damaged is better read with those replaced than in another encoding.
  if (fewControls && count.invalid * 20 <= count.multibyte)
    return { encoding: 'utf-8', bom: 0, certain: false }
  const wide = zeroPattern(sample, count)
  if (wide !== undefined) return { encoding: wide, bom: 0, certain: false }
  if (count.nuls > 0 || strange > toleratedControls / 5) return undefined
  const encoding = legacyEncoding(sample, count)
  if (encoding === undefined) return undefined
  return { encoding, bom: 0, certain: count.controls === 0 && count.size >= minimumOfEvidence }
}

function marked(sample: Sample, mark: { encoding: string; bom: number }): TextEncoding | undefined {
  const text = [sample.head.subarray(mark.bom), sample.middle, sample.end]
    .map((piece) => decodeText(piece, mark.encoding))
    .join('')
  const strange = strangeCharacters(text)
  if (strange > toleratedControls * text.length) return undefined
  return { ...mark, certain: strange === 0 }
}

/** Controls, and characters that stand for what could not be decoded or that no text has. */
function strangeCharacters(text: string): number {
  // eslint-disable-next-line no-control-regex
  return text.match(/[\0-\x07\x0e-\x1a\x1c-\x1f\x7f\ufffd\p{Cn}]/gu)?.length ?? 0
}

/**
 * UTF-16 without a mark: line feeds, spaces and digits have a zero as their first byte (or second, little-endian) in every
 * script. Binary data has zeros in both places.
 */
function zeroPattern({ head, middle, end }: Sample, count: ByteCount): string | undefined {
  if (count.nuls < 2 || count.nuls < count.size / 200) return undefined
  const zeros = [0, 0]
  for (const piece of [head, middle, end]) {
    for (let at = piece.indexOf(0); at !== -1; at = piece.indexOf(0, at + 1)) zeros[at % 2]!++
  }
  const [even, odd] = zeros as [number, number]
  if (Math.min(even, odd) > count.nuls / 20) return undefined
  const encoding = even < odd ? 'utf-16le' : 'utf-16be'
  const text = [head, middle, end]
    .map((piece) => decodeText(piece.subarray(0, piece.length & ~1), encoding))
    .join('')
  return strangeCharacters(text) <= toleratedControls * text.length ? encoding : undefined
}

/** Seven bits and ESC: mostly colours of a terminal, but ISO-2022-JP is written so, too. */
function escaped({ head }: Sample): string {
  if (!head.includes('\x1b$')) return 'utf-8'
  return decodeText(head, 'iso-2022-jp').includes('\ufffd') ? 'utf-8' : 'iso-2022-jp'
}

/**
 * chardet's names and the WHATWG's, which are supersets: ISO-8859-1 means windows-1252 there, as in browsers. What is not
 * here, such as ISO-2022-CN, TextDecoder does not know.
 */
const western = new Map([
  ['ISO-8859-1', 'windows-1252'],
  ['windows-1252', 'windows-1252'],
  ['ISO-8859-2', 'iso-8859-2'],
  ['windows-1250', 'windows-1250'],
  ['ISO-8859-9', 'windows-1254'],
  ['windows-1254', 'windows-1254'],
  ['windows-1257', 'windows-1257'],
  ['windows-1258', 'windows-1258'],
])
const otherScripts = new Map([
  ['ISO-8859-5', 'iso-8859-5'],
  ['ISO-8859-6', 'iso-8859-6'],
  ['ISO-8859-7', 'windows-1253'],
  ['windows-1253', 'windows-1253'],
  ['ISO-8859-8', 'windows-1255'],
  ['windows-1255', 'windows-1255'],
  ['windows-1251', 'windows-1251'],
  ['windows-1256', 'windows-1256'],
  ['windows-874', 'windows-874'],
  ['KOI8-R', 'koi8-r'],
])
const eastAsian = new Map([
  ['Shift_JIS', 'shift_jis'],
  ['Big5', 'big5'],
  ['EUC-JP', 'euc-jp'],
  ['EUC-KR', 'euc-kr'],
  ['GB18030', 'gb18030'],
])

/**
 * An encoding of one byte, or of two in East Asia. Letters between ASCII letters are Western, whatever else their bytes
 * would be in Cyrillic; there windows-1252 needs evidence against it, and a few letters are none.
 */
function legacyEncoding({ head, middle, end }: Sample, count: ByteCount): string | undefined {
  const bytes = Buffer.concat([head, middle, end].map(wholeLines))
  if (count.accents >= count.high / 2) {
    if (count.high > count.size / 2) return undefined
    const guesses = guess(bytes, western)
    const [best] = guesses
    if (best === undefined || count.high < 40) return 'windows-1252'
    const usual = guesses.find(({ label }) => label === 'windows-1252')?.confidence ?? 0
    return best.confidence >= usual + 5 ? best.label : 'windows-1252'
  }
  const asian = guess(bytes, eastAsian).filter(({ label }) => decodes(bytes, label, count))
  const [script] = guess(withoutAscii(bytes), otherScripts)
  const [language] = asian
  if (language !== undefined && language.confidence >= 50) return language.label
  if (script !== undefined && script.confidence >= 15) return script.label
  if (language !== undefined && language.confidence >= 10) return language.label
  // Words of an unusual text: better the wrong letters than no text.
  const spaces = bytes.filter((byte) => byte === 0x20 || byte === 0x0a).length
  if (script !== undefined && spaces > bytes.length / 20) return script.label
  return count.high <= count.size / 3 ? 'windows-1252' : undefined
}

/** chardet's guesses among some encodings, from the best on; below 5 they are worth nothing. */
function guess(bytes: Buffer, labels: Map<string, string>): { label: string; confidence: number }[] {
  return analyse(bytes).flatMap(({ name, confidence }) => {
    const label = labels.get(name)
    return label === undefined || confidence < 5 ? [] : [{ label, confidence }]
  })
}

/** chardet compares groups of letters with those of a language: English words and tags among them mislead it. */
function withoutAscii(bytes: Buffer): Buffer {
  const rest = Buffer.alloc(bytes.length)
  let length = 0
  for (const byte of bytes) {
    if (byte >= 0x80) rest[length++] = byte
    else if (length > 0 && rest[length - 1] !== 0x20) rest[length++] = 0x20
  }
  return rest.subarray(0, length)
}

/** Whether but few characters would be none in this encoding, or kana of half width, which any letters may look like. */
function decodes(bytes: Buffer, label: string, count: ByteCount): boolean {
  const text = decodeText(bytes, label)
  const damaged = text.match(/\ufffd/g)?.length ?? 0
  const narrow = text.match(/[\uff61-\uff9f]/g)?.length ?? 0
  return damaged * 50 <= count.high && narrow * 2 <= count.high
}

/** Without the lines that the piece may have only half of, where there are others. */
function wholeLines(piece: Buffer, index: number): Buffer {
  const from = index === 0 ? 0 : piece.indexOf(0x0a) + 1
  const to = index === 2 ? piece.length : piece.lastIndexOf(0x0a) + 1
  return to > from ? piece.subarray(from, to) : piece
}
