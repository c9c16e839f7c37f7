/**
 * What a cell says as a number: once with a point before the decimals and once with a comma, for one cell alone often
 * does not tell. NaN where it is none.
 */
export class NumberReading {
  point = Number.NaN
  comma = Number.NaN
  /** Without decimals, by that reading. */
  pointWhole = false
  commaWhole = false
  /** `%`, or a sign of money; '' without. */
  unit = ''
  /** No number, but digits with zeros before them. */
  isPadded = false
}

const powersOfTen = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent)
/** Longer cells are no numbers. */
const longest = 40

/**
 * Reads a trimmed cell that begins with a digit, a sign, a point, a parenthesis or a sign of money.
 *
 * Numbers have decimals, an exponent, groups of three digits (by comma, point, space or apostrophe), `%` or a sign of
 * money; parentheses make amounts negative, as in accounts. What would lose something as a number is none: leading zeros
 * (postal codes), whole numbers beyond 2^53 (identifiers), and what is too large for a double. Neither are NaN and
 * infinities. A percentage is taken as it reads: `12 %` is 12.
 */
export function readNumber(text: string, start: number, end: number, into: NumberReading): boolean {
  into.unit = ''
  into.isPadded = false
  let position = start
  let code = text.charCodeAt(position)
  const isNegative = code === 45
  if (isNegative || code === 43) code = text.charCodeAt(++position)

  const first = position
  let mantissa = 0
  while (position < end && (code = text.charCodeAt(position) - 48) >= 0 && code <= 9) {
    mantissa = mantissa * 10 + code
    position++
  }
  const wholes = position - first
  if (wholes > 1 && text.charCodeAt(first) === 48) {
    into.isPadded = position === end && first === start
    return false
  }
  if (position === end) {
    if (wholes === 0 || mantissa > Number.MAX_SAFE_INTEGER) return false
    into.point = into.comma = isNegative ? 0 - mantissa : mantissa
    into.pointWhole = into.commaWhole = true
    return true
  }

  const separator = text.charCodeAt(position)
  if (separator !== 46 && separator !== 44) {
    return mayFollowDigits(separator, wholes) && readRare(text, start, end, into)
  }
  const firstDecimal = ++position
  while (position < end && (code = text.charCodeAt(position) - 48) >= 0 && code <= 9) {
    mantissa = mantissa * 10 + code
    position++
  }
  const decimals = position - firstDecimal
  // What goes on with a group that is none, such as 31.12.2024, is not worth the look.
  if (position < end && (code === -2 || code === -4) && (wholes > 3 || decimals !== 3)) return false
  // Beyond 15 digits one division of the digits by a power of ten would not round correctly.
  if (position < end || wholes + decimals > 15 || wholes + decimals === 0) {
    return readRare(text, start, end, into)
  }
  const signed = isNegative ? 0 - mantissa : mantissa
  const value = signed / powersOfTen[decimals]!
  const grouped =
    decimals === 3 && wholes >= 1 && wholes <= 3 && text.charCodeAt(first) !== 48 ? signed : Number.NaN
  const isPoint = separator === 46
  into.point = isPoint ? value : grouped
  into.comma = isPoint ? grouped : value
  into.pointWhole = !isPoint
  into.commaWhole = isPoint
  return true
}

/** Anything but what ends the hope for a number: the letter of a street's number, the dash of a date. */
function mayFollowDigits(code: number, digits: number): boolean {
  if (digits === 0) return true
  return code === 69 || code === 101 || code === 32 || code === 37 || code === 36 || code === 39 || code > 127
}

const money = '[$€£¥₹]'
const amount = new RegExp(
  `^(?<sign>[-+]?)(?<before>${money})?[ \\u00a0]?(?<inner>[-+]?)(?<body>[0-9.,].*?)[ \\u00a0]?(?<after>%|${money})?$`,
  'u',
)
const point = /^(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?$/u
const comma = /^(?:\d+,?\d*|,\d+)(?:[eE][-+]?\d{1,3})?$/u
const pointGroups = /^[1-9]\d{0,2}([, '’\u00a0\u202f])\d{3}(?:\1\d{3})*(?:\.\d*)?$/u
const commaGroups = /^[1-9]\d{0,2}([. '’\u00a0\u202f])\d{3}(?:\1\d{3})*(?:,\d*)?$/u
const letters = /[^-+0-9.,eE %$€£¥₹'’\u00a0\u202f]/u

/** What the fast path leaves: exponents, groups, units, parentheses, many digits. */
function readRare(text: string, start: number, end: number, into: NumberReading): boolean {
  if (end - start > longest) return false
  let cell = text.slice(start, end)
  const isAccounted = cell.startsWith('(') && cell.endsWith(')')
  if (isAccounted) cell = cell.slice(1, -1)
  if (letters.test(cell)) return false
  const { sign, before, inner, body, after } = amount.exec(cell)?.groups ?? {}
  if (body === undefined || /^0\d/u.test(body)) return false
  if ((sign && inner) || (before && after) || (isAccounted && (sign || inner))) return false
  // A number alone in parentheses is a footnote or an area code rather than an amount.
  if (isAccounted && !before && !after && !/[.,]/u.test(body)) return false
  into.unit = before ?? after ?? ''
  const factor = isAccounted || sign === '-' || inner === '-' ? -1 : 1
  into.point = factor * parse(body, point, pointGroups, '.')
  into.comma = factor * parse(body, comma, commaGroups, ',')
  into.pointWhole = !/[.eE]/u.test(body)
  into.commaWhole = !/[,eE]/u.test(body)
  return !Number.isNaN(into.point) || !Number.isNaN(into.comma)
}

function parse(body: string, plain: RegExp, groups: RegExp, decimal: '.' | ','): number {
  let digits = body
  if (!plain.test(body)) {
    if (!groups.test(body)) return Number.NaN
    digits = body.replaceAll(decimal === '.' ? /[^0-9.]/gu : /[^0-9,]/gu, '')
  }
  const value = Number(decimal === '.' ? digits : digits.replace(',', '.'))
  const isSound = /^\d+$/u.test(digits) ? Number.isSafeInteger(value) : Number.isFinite(value)
  return isSound ? value : Number.NaN
}
