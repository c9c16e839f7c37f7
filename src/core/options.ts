import { definedIn, type Reference } from './brand.ts'
import { boolean, checkKeys, integer, nonEmptyString, number, oneOf } from './check.ts'
import { refuseClient, type TransactionClient } from './client.ts'
import { milliseconds, type Duration } from './duration.ts'
import { badOption } from './errors.ts'
import { bytes, type Size } from './size.ts'
import { storedFilesIn } from './stored-file.ts'
import { encodeArguments } from './value.ts'

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

/** At most `max` starts of a task within any `per`. */
export interface RateLimit {
  max: number
  per: Duration
}

/** A task to add when another one has ended, and what it is told. */
export interface OnEnded {
  task: Reference
  /** What it gets behind the record of the task that has ended; no stored files. Default: nothing more. */
  args?: readonly unknown[]
  /** Whether the record holds the arguments of the task that has ended, whose files then live on. Default true. */
  withArgs?: boolean
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
  /** Whether it is cancelled if an earlier task of its request did not succeed. Default false. */
  onlyAfterSuccess?: boolean
  /** What the heap and the Buffers of its thread may hold. Default 512 MB. */
  memory?: Size
  /** Whether a task whose thread was lost under it runs again, or fails. Default 'at-least-once'. */
  delivery?: 'at-least-once' | 'at-most-once'
  /** Whether it may share a message, and so a thread's turn, with up to 63 others: for tasks of microseconds. Default false. */
  batch?: boolean
  /** A task to add when this one has ended, with the record of the ended one as its argument. */
  onEnded?: Reference | OnEnded
  /** How long it is remembered once it has ended. Default 7 d, and at most 100,000 ended tasks. */
  keepResult?: Duration
  /** Keys of its arguments that are never shown, beside the usual names of secrets. */
  redact?: readonly string[]
}

/** Options of a task where it is defined. */
export interface DefinitionOptions extends TaskOptions {
  /** How many of its name run at a time, in all pools. Default: as many as there is room for. */
  concurrency?: number
  /** How often tasks of its name start. Default: no limit. */
  rateLimit?: RateLimit
}

/** Options of one call. */
export interface CallOptions extends TaskOptions {
  /** One live task of this name has this key; adding another gives the live one. */
  unique?: string
  /** How long to wait before the first attempt, counted from the commit. */
  delay?: Duration
  /** When the first attempt may start; not together with `delay`. */
  runAt?: Date
  /**
   * A connection to the database of a `postgres:` queue on which a transaction of your own is open: the task is committed,
   * and rolled back, with it. For `afterwork.addTask()` only.
   */
  client?: TransactionClient
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
  onlyAfterSuccess: boolean
  /** Bytes. */
  memory: number
  delivery: 'at-least-once' | 'at-most-once'
  batch: boolean
  /** `args` is text as encodeArguments() makes it; what is not there is the default. */
  onEnded: { name: string; options: ResolvedOptions; args?: string; withArgs?: false } | null
  keepResult: number
  redact: readonly string[]
  concurrency: number | null
  rateLimit: { max: number; per: number } | null
  unique: string | null
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
  onlyAfterSuccess: false,
  memory: 512 * 1024 ** 2,
  delivery: 'at-least-once',
  batch: false,
  onEnded: null,
  keepResult: 7 * 24 * 3_600_000,
  redact: [],
  concurrency: null,
  rateLimit: null,
  unique: null,
  delay: 0,
  runAt: null,
}

type Check<T> = (value: unknown, what: string, base: T) => T

/** The longest a Node.js timer can wait. */
const maxTimer = 2 ** 31 - 1
/** A thread alone takes 12 MB. */
const minMemory = 32 * 1024 ** 2
/** Characters of a unique key. */
const maxKey = 1_000
/** Characters of the further arguments of an `onEnded` task. */
const maxFurther = 10_000

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
  onlyAfterSuccess: boolean,
  memory: (value, what) => number(minMemory, Number.MAX_SAFE_INTEGER, 'bytes')(bytes(value, what), what),
  delivery: oneOf(['at-least-once', 'at-most-once']),
  batch: boolean,
  onEnded: (value, what) => {
    if (definedIn(value) !== undefined || !isObject(value)) return followerOf(value, what)
    const { task, args = [], withArgs = true } = checkKeys(value, ['task', 'args', 'withArgs'], what)
    const text = furtherArguments(args, `${what}.args`)
    return {
      ...followerOf(task, `${what}.task`),
      ...(text === '[]' ? {} : { args: text }),
      ...(boolean(withArgs, `${what}.withArgs`) ? {} : { withArgs: false as const }),
    }
  },
  keepResult: milliseconds,
  redact: (value, what) => {
    if (Array.isArray(value) && value.every((key) => typeof key === 'string')) return value
    throw badOption(what, 'an array of strings', value)
  },
  concurrency: integer(1, 1_000_000),
  rateLimit: (value, what) => {
    const { max, per } = checkKeys(value, ['max', 'per'], what)
    return { max: integer(1, 100_000)(max, `${what}.max`), per: milliseconds(per, `${what}.per`) }
  },
  unique: (value, what) => {
    const key = nonEmptyString(value, what)
    if (key.length <= maxKey) return key
    throw badOption(what, `at most ${maxKey} characters`, key)
  },
  delay: milliseconds,
  runAt: (value, what) => {
    if (value instanceof Date && !Number.isNaN(value.getTime())) return value.getTime()
    throw badOption(what, 'a valid Date', value)
  },
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function followerOf(value: unknown, what: string): { name: string; options: ResolvedOptions } {
  if (definedIn(value) === undefined) throw badOption(what, 'a task from defineTasks()', value)
  refuseClient(value as Reference, what)
  const { name, options } = value as { name: string; options: ResolvedOptions }
  return { name, options }
}

/** Kept with the options of each task that has them, so they are to be short; what they name, nobody would own. */
function furtherArguments(args: unknown, what: string): string {
  if (!Array.isArray(args)) throw badOption(what, 'an array', args)
  if (storedFilesIn(args).length > 0)
    throw badOption(what, 'no stored files; name them in the arguments of the task itself', 'one')
  const text = encodeArguments(args, what)
  if (text.length <= maxFurther) return text
  throw badOption(what, `at most ${maxFurther} characters of JSON`, text.length)
}

const callOnly: readonly string[] = ['delay', 'runAt', 'unique']
const definitionOnly: readonly string[] = ['concurrency', 'rateLimit']
/** What a call may have and no task has: it says how it is added. */
const ofCalls: readonly string[] = ['client']

/** `base` overlaid with what a module, task or call gives; throws AFTERWORK_BAD_OPTION. */
export function resolveOptions(
  given: unknown,
  base: ResolvedOptions,
  where: string,
  level: 'definition' | 'call',
): ResolvedOptions {
  const foreign = level === 'call' ? definitionOnly : callOnly
  const known = Object.keys(checks).filter((key) => !foreign.includes(key))
  const options = checkKeys(given, level === 'call' ? [...known, ...ofCalls] : known, where)
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
