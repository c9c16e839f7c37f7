import * as states from './state.ts'

/** Where a JSON text first breaks the grammar. */
export interface JsonFault {
  /** UTF-16 code units before it, as in the messages of JSON.parse(). */
  offset: number
  /** From 1; a line ends with LF, CR LF or CR. */
  line: number
  /** From 1, in UTF-16 code units, as editors count. */
  column: number
  /** What the grammar wants there and what there is. */
  message: string
}

/** RFC 8259 lets a parser limit the depth; a bit a level makes millions of levels cheap. */
export const maxDepth = 10_000_000

const expected = new Map([
  [states.value, 'a value'],
  [states.firstItem, "a value or ']'"],
  [states.firstKey, "a key in double quotes or '}'"],
  [states.nextKey, 'a key in double quotes'],
  [states.colon, "':' after a key"],
  [states.escape, 'one of "\\/bfnrtu after a backslash'],
  [states.unicode, 'four hexadecimal digits after \\u'],
  [states.minus, 'a digit after a minus sign'],
  [states.point, 'a digit after a decimal point'],
  [states.exponent, 'a digit or sign after the e of a number'],
  [states.exponentSign, 'a digit in the exponent of a number'],
  [states.end, 'the end'],
])

/**
 * Says what was wrong.
 * @param code the character there; undefined at the end of the text
 * @param literal the one of `true`, `false` and `null` that had begun
 */
export function faultMessage(
  state: number,
  code: number | undefined,
  { inObject, literal }: { inObject: boolean; literal: string },
): string {
  return `Expected ${expectedIn()}, got ${code === undefined ? 'the end' : shown(code)}`

  function expectedIn(): string {
    const opens = code === 0x5b || code === 0x7b
    if (opens && (state === states.value || state === states.firstItem)) return `at most ${maxDepth} levels`
    if (state === states.literal) return literal
    if (state === states.inString) {
      return code === undefined ? 'a double quote after a string' : 'an escape for a control character'
    }
    if (state === states.zero && code !== undefined) return 'no digit after a leading zero'
    if (state === states.afterValue || states.isWholeNumber(state))
      return inObject ? "',' or '}'" : "',' or ']'"
    return expected.get(state)!
  }
}

/** A character, or the name of one that cannot be shown. */
function shown(code: number): string {
  if (code === 0x0a || code === 0x0d) return 'a line break'
  if (code === 0x09) return 'a tab'
  const character = String.fromCodePoint(code)
  if (/[\p{C}\p{Z}\p{M}]/u.test(character)) return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  return `'${character}'`
}
