import { DateReading, readDate } from './date.ts'
import { NumberReading, readNumber } from './number.ts'

/** What a cell holds, by itself; `padded`: digits with zeros before them, a code rather than a number. */
export type CellType = 'null' | 'number' | 'padded' | 'boolean' | 'date' | 'string'

/** Cells that stand for nothing, beside the empty one; exactly as they read. */
export const nulls: ReadonlySet<string> = new Set([
  '-',
  '\\N',
  'NULL',
  'Null',
  'null',
  'NA',
  'N/A',
  'n/a',
  '#N/A',
  'NaN',
  'nan',
])

/** In small letters. */
const booleans: ReadonlySet<string> = new Set(['true', 'false', 'yes', 'no'])

/** Reads cells one after the other, without an object for each. */
export class CellTypes {
  /** Of the last cell that was a number. */
  readonly number: NumberReading = new NumberReading()
  /** Of the last cell that was a date. */
  readonly date: DateReading = new DateReading()

  /** The type of a trimmed cell. */
  read(text: string, start: number, end: number): CellType {
    const length = end - start
    if (length === 0) return 'null'
    const code = text.charCodeAt(start)
    if (code >= 48 && code <= 57) {
      if (readNumber(text, start, end, this.number)) return 'number'
      if (this.number.isPadded) return 'padded'
      return readDate(text, start, end, this.date) ? 'date' : 'string'
    }
    if (mayBeginNumber(code)) {
      if (readNumber(text, start, end, this.number)) return 'number'
      return length <= 4 && nulls.has(text.slice(start, end)) ? 'null' : 'string'
    }
    if (length <= 5 && isLetterOrMark(code)) {
      const word = text.slice(start, end)
      if (nulls.has(word)) return 'null'
      if (booleans.has(word.toLowerCase())) return 'boolean'
      return 'string'
    }
    // The months, `January 5, 2024`.
    if (length >= 10 && length <= 40 && isLetterOrMark(code)) {
      const isMonth =
        (code | 32) >= 97 && hasDigit(text, start + 4, end) && readDate(text, start, end, this.date)
      return isMonth ? 'date' : 'string'
    }
    return 'string'
  }
}

/** Signs, point, comma, opening parenthesis, signs of money. */
function mayBeginNumber(code: number): boolean {
  return (
    (code >= 43 && code <= 46) ||
    code === 40 ||
    code === 36 ||
    (code >= 0xa3 && code <= 0xa5) ||
    code === 0x20ac ||
    code === 0x20b9
  )
}

/** Latin letters, # and backslash: with what the nulls, booleans and months begin. */
function isLetterOrMark(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 35 || code === 92
}

/** A date that begins with a month has its day within a few characters: a cheap look before an expensive one. */
function hasDigit(text: string, start: number, end: number): boolean {
  for (let position = start; position < Math.min(end, start + 7); position++) {
    const code = text.charCodeAt(position)
    if (code >= 48 && code <= 57) return true
  }
  return false
}
