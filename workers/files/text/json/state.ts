// What the next code unit of a JSON text may be. Numbers, for the scanner's switch is the inner loop.
export const value = 0
export const firstItem = 1
export const firstKey = 2
export const nextKey = 3
export const colon = 4
export const afterValue = 5
export const inString = 6
export const escape = 7
export const unicode = 8
export const minus = 9
export const zero = 10
export const integer = 11
export const point = 12
export const fraction = 13
export const exponent = 14
export const exponentSign = 15
export const exponentDigits = 16
export const literal = 17
export const end = 18

/** Whether a number may end in this state. */
export function isWholeNumber(state: number): boolean {
  return state === zero || state === integer || state === fraction || state === exponentDigits
}

/** The state after one more code unit of a number, or -1 if the number does not go on with it. */
export function nextOfNumber(state: number, unit: number): number {
  const isDigit = unit >= 0x30 && unit <= 0x39
  const isExponent = unit === 0x65 || unit === 0x45
  switch (state) {
    case minus:
      return isDigit ? (unit === 0x30 ? zero : integer) : -1
    case zero:
    case integer:
      if (isDigit) return state === integer ? integer : -1
      return unit === 0x2e ? point : isExponent ? exponent : -1
    case point:
      return isDigit ? fraction : -1
    case fraction:
      return isDigit ? fraction : isExponent ? exponent : -1
    case exponent:
      return isDigit ? exponentDigits : unit === 0x2b || unit === 0x2d ? exponentSign : -1
    default:
      return isDigit ? exponentDigits : -1
  }
}
