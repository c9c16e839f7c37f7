import type { LogLevel } from '../core/events.ts'
import type { Failure } from '../core/failure.ts'
import type { NewTask, Progress } from '../core/task.ts'
import type { Steering } from '../core/task-error.ts'

/** What can be queued: known once the probe has loaded every module. */
export interface Catalog {
  /** URL of the file that calls defineTasks(). */
  tasks: string
  names: ReadonlySet<string>
  pools: ReadonlySet<string>
  /** Whether a module exports `teardown`. */
  teardown: boolean
}

/** What a worker thread is started with. */
export interface ThreadData {
  /** Name of the pool. */
  pool: string
  catalog: Catalog
  /** Name of the BroadcastChannel on which the pool speaks to its threads. */
  control: string
}

/** One attempt on its way into a thread; arguments stay the text that addTask made of them. */
export interface Envelope {
  id: string
  attempt: number
  name: string
  args: string
}

/** What comes back: never a raw result or error, which the clone on the way would bend. */
export type AttemptReply = { followUps: NewTask[] } & (
  { ok: true; result: string | undefined } | { ok: false; failure: Failure; steering: Steering }
)

/** It may overtake what the attempt `said`, so many messages, which come by another port. */
export type Reply = AttemptReply & { said: number }

/** What a thread says of an attempt; `at` is milliseconds since 1970. */
export type AttemptMessage = { id: string; attempt: number } &
  /** `first` when nothing ran on its thread before. */
  (
    | { type: 'started'; thread: number; first: boolean; at: number }
    | { type: 'progress'; progress: Progress }
    | { type: 'log'; level: LogLevel; message: string; fields: Record<string, unknown> }
    /** It is about to end its thread: it called process.exit(), or nothing caught what it threw. */
    | { type: 'ending'; failure: Failure }
  )

/** What a thread says of itself. */
export type ThreadMessage =
  /** Something went wrong that no running attempt did; `fatal` when the thread ends with it, whose doing it is then. */
  | { type: 'stray'; thread: number; failure: Failure; fatal: false | 'unknown' | 'of an ended task' }
  /** It hears what the pool says. */
  | { type: 'ready'; thread: number }
  /** It has collected its garbage. */
  | { type: 'collected'; thread: number }
  | { type: 'torn-down'; thread: number }

export type Message = AttemptMessage | ThreadMessage

/** What a pool says to its threads. */
export type Control =
  /** A running attempt should stop: its signal is aborted with this as the reason. */
  | { type: 'stop'; id: string; attempt: number; failure: Failure }
  /** The thread holds more than it may, which may be garbage. */
  | { type: 'collect'; thread: number }
  /** The thread will be ended: the modules it has loaded may say goodbye. */
  | { type: 'teardown' }

/** Names one attempt among all. */
export function attemptKey({ id, attempt }: { id: string; attempt: number }): string {
  return `${id}/${attempt}`
}
