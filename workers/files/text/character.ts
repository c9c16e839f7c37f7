/** What a character is for whoever counts lines and words. */
export const space = 0
/** Punctuation, symbols, marks: part of a word, but no word by themselves. */
export const symbol = 1
/** A letter or digit of a script that separates words by spaces. */
export const letter = 2
/** Han, Hiragana and Katakana: without spaces between words, each counts as one, as in word processors. */
export const ideograph = 3
export const lineFeed = 4
export const carriageReturn = 5
/** The first half of a character beyond U+FFFF; codePointKind() tells what it is. */
export const highSurrogate = 6
export const lowSurrogate = 7

/** The kind of every UTF-16 code unit. */
export const unitKinds = tableOfUnits()

/** The kind of a character beyond U+FFFF. */
export function codePointKind(code: number): number {
  if (code >= 0x1f000 && code <= 0x1faff) return symbol
  const character = String.fromCodePoint(code)
  if (/[\p{Ideographic}\p{scx=Hiragana}\p{scx=Katakana}]/u.test(character)) return ideograph
  return /[\p{L}\p{N}]/u.test(character) ? letter : symbol
}

function tableOfUnits(): Uint8Array {
  const kinds = new Uint8Array(0x10000).fill(symbol)
  const all = Array.from({ length: 0xd800 }, (_, unit) => String.fromCharCode(unit)).join('')
  const beyond = Array.from({ length: 0x2000 }, (_, unit) => String.fromCharCode(0xe000 + unit)).join('')
  const patterns: [number, RegExp][] = [
    [letter, /[\p{L}\p{N}]+/gu],
    [ideograph, /[\p{Ideographic}\p{sc=Hiragana}\p{sc=Katakana}ー]+/gu],
    [space, /[\p{White_Space}\u200b\ufeff]+/gu],
  ]
  for (const [kind, pattern] of patterns) {
    for (const match of all.matchAll(pattern)) kinds.fill(kind, match.index, match.index + match[0].length)
    for (const match of beyond.matchAll(pattern)) {
      kinds.fill(kind, 0xe000 + match.index, 0xe000 + match.index + match[0].length)
    }
  }
  kinds.fill(highSurrogate, 0xd800, 0xdc00)
  kinds.fill(lowSurrogate, 0xdc00, 0xe000)
  kinds[0x0a] = lineFeed
  kinds[0x0d] = carriageReturn
  return kinds
}
