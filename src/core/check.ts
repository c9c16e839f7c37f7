import { badOption, didYouMean } from './errors.ts'

/** The object itself once it is one and has no key that is not known; throws AFTERWORK_BAD_OPTION. */
export function checkKeys(given: unknown, known: readonly string[], where: string): Record<string, unknown> {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw badOption(where, 'an object', given)
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue
    throw badOption(where, `one of ${known.join(', ')}`, key, didYouMean(key, known))
  }
  return given as Record<string, unknown>
}

export function integer(min: number, max: number): (value: unknown, what: string) => number {
  return (value, what) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
    throw badOption(what, `an integer from ${min} to ${max}`, value)
  }
}

export function number(min: number, max: number, unit = ''): (value: unknown, what: string) => number {
  return (value, what) => {
    if (typeof value === 'number' && value >= min && value <= max) return value
    throw badOption(what, `a number from ${min} to ${max} ${unit}`.trimEnd(), value)
  }
}

export function boolean(value: unknown, what: string): boolean {
  if (typeof value === 'boolean') return value
  throw badOption(what, 'a boolean', value)
}

export function nonEmptyString(value: unknown, what: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw badOption(what, 'a string that is not empty', value)
}

export function oneOf<T extends string>(allowed: readonly T[]): (value: unknown, what: string) => T {
  return (value, what) => {
    if (allowed.includes(value as T)) return value as T
    throw badOption(what, `one of ${allowed.join(', ')}`, value)
  }
}
