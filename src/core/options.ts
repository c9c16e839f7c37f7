import { milliseconds, type Duration } from './duration.ts'
import { badOption, didYouMean } from './errors.ts'

/** How long to wait before the next attempt: `first`, then each time `factor` times as long, at most `max`. */
export interface Backoff {
  /** The wait before the second attempt. Default 1 s. */
  first?: Duration
  /** What each wait is multiplied by to give the next. Default 2. */
  factor?: number
  /** The share of a wait that is random, from 0 to 1, so that retries do not come in step. Default 0.25. */
  jitter?: number
  /** The longest wait. Default 1 h. */
  max?: Duration
}

/** Options of a task, for a module, for one task of it, or for one call; the nearest wins. */
export interface TaskOptions {
  /** The pool it runs in. Default 'cpu'. */
  pool?: string
  /** An integer; higher runs first. Default 0. */
  priority?: number
  /** How often it is run again after a failure. Default 0. */
  retries?: number
  /** How long to wait before each of them. Default 1 s doubling, jitter 25%, at most 1 h. */
  backoff?: Backoff
  /** How long one attempt may take, counted from its start. Default 10 m. */
  timeout?: Duration
  /** Whether it waits for the earlier tasks of its request, and the later ones for it. Default true. */
  ordered?: boolean
  /** Whether it stays queued though the handler threw or answered >= 400. Default false. */
  keepOnError?: boolean
}

/** Options of one call. */
export interface CallOptions extends TaskOptions {
  /** How long to wait before the first attempt, counted from the commit. */
  delay?: Duration
  /** When the first attempt may start; not together with `delay`. */
  runAt?: Date
}

/** Options as the rooms behind the door use them: complete, checked, durations in milliseconds. */
export interface ResolvedOptions {
  pool: string
  priority: number
  retries: number
  backoff: { first: number; factor: number; jitter: number; max: number }
  timeout: number
  ordered: boolean
  keepOnError: boolean
  delay: number
  /** Milliseconds since 1970, or null. */
  runAt: number | null
}

export const defaults: ResolvedOptions = {
  pool: 'cpu',
  priority: 0,
  retries: 0,
  backoff: { first: 1_000, factor: 2, jitter: 0.25, max: 3_600_000 },
  timeout: 600_000,
  ordered: true,
  keepOnError: false,
  delay: 0,
  runAt: null,
}

type Check<T> = (value: unknown, what: string, base: T) => T

/** The longest a Node.js timer can wait. */
const maxTimer = 2 ** 31 - 1

const checks: { [K in keyof ResolvedOptions]: Check<ResolvedOptions[K]> } = {
  pool: nonEmptyString,
  priority: integer(-1_000_000, 1_000_000),
  retries: integer(0, 1_000_000),
  backoff: (value, what, base) => {
    const given = checkKeys(value, ['first', 'factor', 'jitter', 'max'], what)
    return {
      first: given['first'] === undefined ? base.first : milliseconds(given['first'], `${what}.first`),
      factor: given['factor'] === undefined ? base.factor : number(1, 100)(given['factor'], `${what}.factor`),
      jitter: given['jitter'] === undefined ? base.jitter : number(0, 1)(given['jitter'], `${what}.jitter`),
      max: given['max'] === undefined ? base.max : milliseconds(given['max'], `${what}.max`),
    }
  },
  timeout: (value, what) => number(1, maxTimer, 'ms')(milliseconds(value, what), what),
  ordered: boolean,
  keepOnError: boolean,
  delay: milliseconds,
  runAt: (value, what) => {
    if (value instanceof Date && !Number.isNaN(value.getTime())) return value.getTime()
    throw badOption(what, 'a valid Date', value)
  },
}

const callOnly: readonly string[] = ['delay', 'runAt']

/** `base` overlaid with what a module, task or call gives; throws AFTERWORK_BAD_OPTION. */
export function resolveOptions(
  given: unknown,
  base: ResolvedOptions,
  where: string,
  level: 'definition' | 'call',
): ResolvedOptions {
  const known = Object.keys(checks).filter((key) => level === 'call' || !callOnly.includes(key))
  const options = checkKeys(given, known, where)
  const resolved: Record<string, unknown> = { ...base }
  for (const key of known as (keyof ResolvedOptions)[]) {
    if (options[key] === undefined) continue
    resolved[key] = (checks[key] as Check<unknown>)(options[key], `${where}.${key}`, base[key])
  }
  if (options['delay'] !== undefined && options['runAt'] !== undefined) {
    throw badOption(where, 'either delay or runAt', 'both')
  }
  if (options['delay'] !== undefined) resolved['runAt'] = null
  if (options['runAt'] !== undefined) resolved['delay'] = 0
  return resolved as unknown as ResolvedOptions
}

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

function number(min: number, max: number, unit = ''): (value: unknown, what: string) => number {
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
