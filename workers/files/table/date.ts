/** What a cell says as a date: once with the day first and once with the month, for `03/04/2024` alone does not tell. */
export class DateReading {
  /** Milliseconds since 1970 in UTC, or in the time of the place where the cell has no zone; NaN where it is none. */
  dayFirst = Number.NaN
  monthFirst = Number.NaN
  hasTime = false
  hasZone = false
}

const day = 86_400_000
const longest = 40

/**
 * Reads a trimmed cell as a date of the years 1 to 9999, with or without a time of day: `2024-01-31`, `2024/01/31`,
 * `31.01.2024`, `31/01/2024`, `01/31/2024`, `31-01-2024`, `31 Jan 2024`, `Jan 31, 2024`; times as `T13:45`, ` 13:45:59.123`,
 * ` 1:45 PM`, with `Z` or `+01:00`. Years have four digits.
 */
export function readDate(text: string, start: number, end: number, into: DateReading): boolean {
  const length = end - start
  if (length < 8 || length > longest) return false
  into.hasTime = false
  into.hasZone = false
  if (length === 10 && (text.charCodeAt(start + 2) === 47 || text.charCodeAt(start + 2) === 46)) {
    return readNumeric(text, start, into)
  }
  const year = number4(text, start)
  const separator = text.charCodeAt(start + 4)
  if (year < 0 || length < 10 || (separator !== 45 && separator !== 47)) {
    return readRare(text.slice(start, end), into)
  }
  if (text.charCodeAt(start + 7) !== separator) return false
  const time = length === 10 ? 0 : readTime(text, start + 10, end, into)
  into.dayFirst = at(year, number2(text, start + 5), number2(text, start + 8)) + time
  into.monthFirst = into.dayFirst
  return !Number.isNaN(into.dayFirst)
}

/** `31/01/2024`, `01/31/2024` and `31.01.2024`, the forms that fill whole columns. */
function readNumeric(text: string, start: number, into: DateReading): boolean {
  const mark = text.charCodeAt(start + 2)
  if (text.charCodeAt(start + 5) !== mark) return false
  const [first, second, year] = [number2(text, start), number2(text, start + 3), number4(text, start + 6)]
  into.dayFirst = at(year, second, first)
  // Points are written where the day comes first.
  into.monthFirst = mark === 46 ? into.dayFirst : at(year, first, second)
  return !Number.isNaN(into.dayFirst) || !Number.isNaN(into.monthFirst)
}

const numeric = /^(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?=$|[ T,])/u
const named =
  /^(?:(\d{1,2})(?:[ -]|\. ?)([A-Za-z]{3,9})\.?[ ,-] ?(\d{4})|([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4}))(?=$|[ T,])/u
const months = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
]

function readRare(cell: string, into: DateReading): boolean {
  const byNumber = numeric.exec(cell)
  const byName = byNumber === null ? named.exec(cell) : null
  const match = byNumber ?? byName
  if (match === null) return false
  const comma = cell[match[0].length] === ',' ? 1 : 0
  const rest = match[0].length + comma
  const time = rest === cell.length ? 0 : readTime(cell, rest, cell.length, into)
  if (byNumber !== null) {
    const [first, second, year] = [Number(byNumber[1]), Number(byNumber[3]), Number(byNumber[4])]
    into.dayFirst = at(year, second, first) + time
    // Points are written where the day comes first.
    into.monthFirst = byNumber[2] === '.' ? into.dayFirst : at(year, first, second) + time
  } else {
    const name = (byName![2] ?? byName![4])!.toLowerCase()
    const month = months.findIndex(
      (full) => full === name || full.slice(0, 3) === name || (name === 'sept' && full === 'september'),
    )
    into.dayFirst = at(Number(byName![3] ?? byName![6]), month + 1, Number(byName![1] ?? byName![5])) + time
    into.monthFirst = into.dayFirst
  }
  return !Number.isNaN(into.dayFirst) || !Number.isNaN(into.monthFirst)
}

/** Milliseconds of the time of day that fills the rest of a cell, less its zone's offset; NaN when it is none. */
function readTime(text: string, start: number, end: number, into: DateReading): number {
  const mark = text.charCodeAt(start)
  if (mark !== 84 && mark !== 32) return Number.NaN
  into.hasTime = true
  const position = start + 1
  const hour = number2(text, position)
  if (end - position === 8 && text.charCodeAt(position + 2) === 58 && text.charCodeAt(position + 5) === 58) {
    return timeOfDay(hour, number2(text, position + 3), number2(text, position + 6))
  }
  return readRareTime(text.slice(position, end), into)
}

const rareTime =
  /^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?: ?([AaPp])\.?[Mm]\.?)?(?: ?(?:([Zz]|UTC|GMT)|([-+])(\d{2}):?(\d{2})?))?$/u

function readRareTime(rest: string, into: DateReading): number {
  const match = rareTime.exec(rest)
  if (match === null) return Number.NaN
  const [, hours, minutes, seconds, fraction, half, utc, sign, offsetHours, offsetMinutes] = match
  let hour = Number(hours)
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return Number.NaN
    hour = (hour % 12) + (half.toLowerCase() === 'p' ? 12 : 0)
  }
  into.hasZone = utc !== undefined || sign !== undefined
  const milliseconds = fraction === undefined ? 0 : Math.trunc(Number(`0.${fraction}`) * 1000)
  if (Number(offsetHours) > 14 || Number(offsetMinutes) > 59) return Number.NaN
  const offset = (Number(offsetHours ?? 0) * 60 + Number(offsetMinutes ?? 0)) * 60_000
  return (
    timeOfDay(hour, Number(minutes), Number(seconds ?? 0)) + milliseconds + (sign === '-' ? offset : -offset)
  )
}

function timeOfDay(hour: number, minute: number, second: number): number {
  // 23:59:60 is a leap second.
  const isValid = hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second <= 60
  return isValid ? ((hour * 60 + minute) * 60 + second) * 1000 : Number.NaN
}

/** Howard Hinnant, days_from_civil, in "chrono-Compatible Low-Level Date Algorithms"; NaN for a day that never was. */
function at(year: number, month: number, dayOfMonth: number): number {
  if (year < 1 || month < 1 || month > 12 || dayOfMonth < 1 || dayOfMonth > lastDay(year, month))
    return Number.NaN
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + dayOfMonth - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return (era * 146_097 + dayOfEra - 719_468) * day
}

function lastDay(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** -1 when these are not two digits. */
function number2(text: string, start: number): number {
  const tens = text.charCodeAt(start) - 48
  const ones = text.charCodeAt(start + 1) - 48
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1
}

/** -1 when these are not four digits. */
function number4(text: string, start: number): number {
  const high = number2(text, start)
  const low = number2(text, start + 2)
  return high < 0 || low < 0 ? -1 : high * 100 + low
}
