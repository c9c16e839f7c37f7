import { badOption } from './errors.ts'
import { checkKeys, integer } from './check.ts'
import type { Outcome } from './outcome.ts'
import type { ClaimedTask } from './task.ts'

/** Sizes of a pool. */
export interface PoolOptions {
  /** Threads kept while nothing runs. Default 1. */
  minThreads?: number
  /** Threads at most. Default: as many as the process has cores. */
  maxThreads?: number
  /** Tasks at a time in each thread: 1 for CPU work, more for tasks that wait for a network. Default 1. */
  concurrency?: number
  /** How much nicer than the main thread its threads are, 0 to 19, so that the main thread goes first. Default 10, of `mail` 0. */
  nice?: number
  /** Environment variables of its threads. Default: those of the process. */
  env?: NodeJS.ProcessEnv
}

export type PoolSizes = Required<PoolOptions>

/** What can be changed of a pool while it works; what is not there stays. */
export type Resizing = Pick<PoolOptions, 'minThreads' | 'maxThreads' | 'concurrency'>

/** A pool as GET /pools shows it. */
export interface PoolState {
  name: string
  minThreads: number
  maxThreads: number
  concurrency: number
  paused: boolean
  running: number
}

/** How one attempt went. */
export interface AttemptEnd {
  outcome: Outcome
  /** Milliseconds since 1970 when the task's function began, or null if it never did. */
  startedAt: number | null
  /** Id of the thread it ran on, or null if it had none. */
  thread: number | null
}

/** Where attempts run. It has `free` slots, and is never given more than fill them. */
export interface Runner {
  readonly name: string
  readonly free: number
  /** Runs one attempt; never rejects. */
  run(task: ClaimedTask): Promise<AttemptEnd>
  /** Asks a running attempt to stop, and ends its thread if it does not; passed over if it does not run here. */
  cancel(id: string, attempt: number): void
  /** Asks what still runs to stop, ends what does not, and settles every attempt. */
  stop(): Promise<void>
}

/** The name of the pool in which local functions take their turn. */
export const localPool = 'local'

/** Keeps the local functions of this process until their turn. */
export interface LocalFunctions {
  keep(id: string, call: () => unknown): void
  forget(id: string): void
}

const most = 10_000

/**
 * Sizes with what was set for the pools of all processes laid over them; no more threads are kept than there may be.
 * @throws AFTERWORK_BAD_OPTION
 */
export function sizesWith(base: PoolSizes, set: Resizing, where: string): PoolSizes {
  const { minThreads = base.minThreads, maxThreads = base.maxThreads } = set
  return resolvePool({ ...set, minThreads: Math.min(minThreads, maxThreads) }, base, where)
}

/** Sizes complete and checked; throws AFTERWORK_BAD_OPTION. */
export function resolvePool(given: unknown, base: PoolSizes, where: string): PoolSizes {
  const options = checkKeys(
    given,
    ['minThreads', 'maxThreads', 'concurrency', 'nice', 'env'],
    where,
  ) as PoolOptions
  const check = (key: 'minThreads' | 'maxThreads' | 'concurrency' | 'nice', min: number, max: number) =>
    options[key] === undefined ? base[key] : integer(min, max)(options[key], `${where}.${key}`)
  const maxThreads = check('maxThreads', 1, most)
  const minThreads = check('minThreads', 0, most)
  if (options.minThreads !== undefined && minThreads > maxThreads) {
    throw badOption(`${where}.minThreads`, `at most maxThreads, which is ${maxThreads}`, minThreads)
  }
  return {
    minThreads: Math.min(minThreads, maxThreads),
    maxThreads,
    concurrency: check('concurrency', 1, most),
    nice: check('nice', 0, 19),
    env: options.env ?? base.env,
  }
}
