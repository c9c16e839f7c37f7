/** What the bytes of a sample are, counted in one pass. */
export interface ByteCount {
  /** Bytes. */
  size: number
  nuls: number
  /** Control characters that no text has, NUL among them. */
  controls: number
  /** Bytes from 0x80 on. */
  high: number
  /** High bytes that are alone, or two within a word of ASCII letters, as the accented letters of Western languages are. */
  accents: number
  /** Characters of several bytes that are valid UTF-8. */
  multibyte: number
  /** Bytes from 0x80 on that are no part of such a character. */
  invalid: number
  /** ESC, which begins the shifts of ISO-2022 and the colours of a terminal. */
  escapes: number
}

/** Backspace, tab, line feed, vertical tab, form feed, carriage return and ESC occur in logs, manuals and listings. */
const ordinaryControls = new Set([0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1b])
const isStrange = Uint8Array.from({ length: 256 }, (_, byte) =>
  (byte < 0x20 && !ordinaryControls.has(byte)) || byte === 0x7f ? 1 : 0,
)

/**
 * Counts what the pieces of a file consist of.
 *
 * A UTF-8 character that a piece's beginning or end cuts is neither valid nor invalid. Well-formed sequences are those of
 * table 3-7 of the Unicode Standard.
 */
export function countBytes(pieces: readonly Buffer[]): ByteCount {
  const count = { size: 0, nuls: 0, controls: 0, high: 0, accents: 0, multibyte: 0, invalid: 0, escapes: 0 }
  pieces.forEach((piece, index) => {
    if (piece.length === 0) return
    const isLast = pieces.slice(index + 1).every((later) => later.length === 0)
    countPiece(piece, index > 0, !isLast, count)
  })
  return count
}

function countPiece(bytes: Buffer, cutBefore: boolean, cutAfter: boolean, count: ByteCount): void {
  count.size += bytes.length
  let at = 0
  if (cutBefore) while (at < 3 && at < bytes.length && (bytes[at]! & 0xc0) === 0x80) at++
  while (at < bytes.length) {
    const byte = bytes[at]!
    if (byte < 0x80) {
      if (isStrange[byte] === 1) {
        // A lone 0x1A at the very end is how DOS ended a text.
        if (byte !== 0x1a || cutAfter || at !== bytes.length - 1) count.controls++
        if (byte === 0) count.nuls++
      } else if (byte === 0x1b) count.escapes++
      at++
      continue
    }
    const length = sequenceLength(bytes, at)
    if (length === 'cut' && cutAfter) break
    if (typeof length === 'number') {
      count.multibyte++
      count.high += length
      at += length
      continue
    }
    count.invalid++
    count.high++
    if (isAccent(bytes, at)) count.accents++
    at++
  }
}

function isAccent(bytes: Buffer, at: number): boolean {
  const [before, after] = [bytes[at - 1] ?? 0, bytes[at + 1] ?? 0]
  if (before < 0x80 && after < 0x80) return true
  if (before < 0x80) return isAsciiLetter(before) && isAsciiLetter(bytes[at + 2])
  return after < 0x80 && isAsciiLetter(after) && isAsciiLetter(bytes[at - 2])
}

function isAsciiLetter(byte = 0): boolean {
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x7a
}

/** Bytes of the well-formed character there, `cut` if the piece ends within it, undefined if there is none. */
function sequenceLength(bytes: Buffer, at: number): number | 'cut' | undefined {
  const first = bytes[at]!
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  if (first < 0xc2 || first > 0xf4) return undefined
  for (let index = 1; index < length; index++) {
    const byte = bytes[at + index]
    if (byte === undefined) return 'cut'
    let from = 0x80
    let to = 0xbf
    if (index === 1) {
      if (first === 0xe0) from = 0xa0
      if (first === 0xed) to = 0x9f
      if (first === 0xf0) from = 0x90
      if (first === 0xf4) to = 0x8f
    }
    if (byte < from || byte > to) return undefined
  }
  return length
}
