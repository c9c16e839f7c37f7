import type { Failure } from '../../core/failure.ts'
import type { TaskRecord } from '../../core/task.ts'
import type { WaitingRow } from './row.ts'

/**
 * What the main thread asks of the store, in one flat array a message: a kind, its fields, the next kind. Structured
 * clone takes a flat array of texts and numbers several times faster than objects.
 */
export const ask = {
  /**
   * now, held, unbounded, key of a receipt or null, its fingerprint, answer and expiresAt, count, then as many rows as
   * insertFields() gives: result is the first row's seq.
   */
  add: 1,
  /** now, held, unbounded, id, name, pool, rank, flags, args, options, bytes: one row that nothing but its response can hold back. */
  addSimple: 16,
  /** now, count, ids: what was held with its group, delay or key may go on. */
  release: 2,
  /** JSON of seqs: they may start any moment from now on. */
  arm: 3,
  /** attemptState, at, JSON of seqs. */
  start: 4,
  /** name, at, per: one with a rate limit starts. */
  rate: 15,
  /** How an attempt ended; the fields of Settled. */
  settle: 5,
  /** seq, attempt, startedAt, at, result, flags, bytes, keep: likewise, of one that succeeded without follow-ups. */
  succeed: 17,
  /** seq, at: a task that the main thread has, and that does not run. Result: its record. */
  cancel: 6,
  /** id, at: one that it does not have. Result: CancelResult. */
  cancelById: 7,
  /** id. Result: the record. */
  retry: 8,
  /** now, limit: what has come due. Result: when the next does, or null. */
  due: 9,
  /** pool, name, rank, seq, limit, bytes: what comes after that turn. Result: RefillResult. */
  refill: 10,
  /** pool, paused. */
  pause: 11,
  /** now, key of a receipt or null, count, ids: as though they had never been added. */
  discard: 12,
  /** What may have started any moment will not. */
  unarm: 13,
  /** now: forgets what has been kept long enough. */
  trim: 14,
  /** id: forgets a task that has ended. */
  purge: 18,
} as const

/** The outcome of cancelById: the record, or the id of one that the main thread must know. */
export type CancelResult = { record: TaskRecord } | { inFlight: string }

export interface RefillResult {
  /** The fields of a WaitingRow each. */
  fields: unknown[]
  /** There may be more after them. */
  more: boolean
}

/** An error that is an operation's own, and rolled back nothing but it. */
export interface Refusal {
  refused: string
  message: string
}

/** What came of itself: a task that can be claimed, a time at which one will be, and what subscribers are told. */
export type News =
  | { type: 'ready'; row: WaitingRow }
  | { type: 'due'; at: number }
  | { type: 'cancelled'; record: TaskRecord }
  | { type: 'added'; record: TaskRecord }
  /** It has failed with the process before this one. */
  | { type: 'lost'; record: TaskRecord }

/** Counters in the order of totalsKeys. */
export type Totals = readonly number[]

/** What the store answers to a message, once its transaction is on disk. */
export type Answer =
  | { type: 'committed'; results: unknown[]; news: News[]; totals: Totals }
  /** Nothing of it was kept. */
  | { type: 'failed'; failure: Failure }

/** What the store says first. */
export type Opened =
  | {
      type: 'opened'
      /** Those that ran, or may have, when the process before this one died, and may have been the reason. */
      suspects: WaitingRow[]
      lanes: { pool: string; name: string }[]
      paused: string[]
      /** Starts of tasks with a rate limit, oldest first. */
      starts: { name: string; at: number }[]
      nextDue: number | null
      news: News[]
      totals: Totals
    }
  | { type: 'refused'; code: string; message: string; failure: Failure }

/** What the store is started with. */
export interface StoreData {
  file: string
  maxTasks: number
  maxBytes: number
  keepTasks: number
  now: number
  /** A store of this process was there before, and the main thread still knows what runs: nothing is to be recovered. */
  resumed: boolean
}

/** What the reader is asked; its answer has the same number. */
export type Question = { number: number } & (
  | { ask: 'get'; id: string }
  | { ask: 'list'; state?: string; name?: string; cursor?: string; limit: number }
  | { ask: 'file'; id: string }
  | { ask: 'oldest' }
  | { ask: 'receipt'; key: string; now: number }
)

export type Reading = { number: number } & ({ found: unknown } | { failure: Failure })

/** Reads a message from its beginning. */
export class Cursor {
  readonly #message: readonly unknown[]
  #at = 0

  constructor(message: readonly unknown[]) {
    this.#message = message
  }

  get done(): boolean {
    return this.#at >= this.#message.length
  }

  next<T>(): T {
    return this.#message[this.#at++] as T
  }
}
