import type { Failure } from './failure.ts'
import type { ResolvedOptions } from './options.ts'
import type { StoredFile } from './stored-file.ts'

/** Where a task is: waiting for its turn; for its time; on a thread; or ended in one of three ways. */
export type TaskState = 'queued' | 'scheduled' | 'running' | 'succeeded' | 'failed' | 'cancelled'

export const taskStates: readonly TaskState[] = [
  'queued',
  'scheduled',
  'running',
  'succeeded',
  'failed',
  'cancelled',
]

export function hasEnded(state: TaskState): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled'
}

/** A task on its way into the queue. */
export interface NewTask {
  id: string
  name: string
  /** The arguments as encodeArguments() made them. */
  args: string
  /** The stored files among the arguments. */
  files: StoredFile[]
  /** Tasks of one group run one after the other, in the order in which they were added. */
  group: string
  options: ResolvedOptions
}

/** What addTask gives back: the id under which the task is known from then on. */
export interface AddedTask {
  id: string
  name: string
}

/** How far a task says it is. */
export interface Progress {
  /** From 0 to 1. */
  fraction: number
  message: string | null
}

/** What is known of a task; times are milliseconds since 1970. */
export interface TaskRecord {
  id: string
  name: string
  group: string
  pool: string
  priority: number
  state: TaskState
  /** 0 until it first runs. */
  attempt: number
  progress: Progress | null
  /** The result as encodeResult() made it, or null. */
  result: string | null
  /** What the last attempt failed with, also while a retry waits. */
  error: Failure | null
  /** The arguments as encodeArguments() made them. */
  args: string
  /** Keys of them that are not shown, beside the usual names of secrets. */
  redact: readonly string[]
  addedAt: number
  /** When a scheduled task becomes due. */
  runAt: number | null
  /** When the last attempt started. */
  startedAt: number | null
  endedAt: number | null
}

/** How many tasks with the option `batch` share a message, and count as one towards the room of a pool. */
export const batchSize = 64

/** A task that was claimed for a pool: all that is needed to run one attempt and to judge its outcome. */
export interface ClaimedTask {
  id: string
  name: string
  args: string
  group: string
  options: ResolvedOptions
  /** Number of this attempt, from 1. */
  attempt: number
  /** Earlier attempts that count against `retries`; interrupted ones do not. */
  failures: number
  /** It may have cost a thread that it shared, and must run alone. */
  suspect: boolean
  addedAt: number
}
