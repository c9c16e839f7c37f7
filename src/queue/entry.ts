import type { NewTask, TaskRecord } from '../core/task.ts'

/** A task that has not been forgotten, with what decides its turn. */
export interface Entry {
  task: NewTask
  record: TaskRecord
  bytes: number
  /** Order of arrival, which decides between equal priorities. */
  sequence: number
  /** Attempts that count against `retries`. */
  failures: number
  suspect: boolean
  claimed: boolean
  /** It stands in a heap already, where a cancelled one stays until it comes up. */
  ready: boolean
  /** The limits of its name hold it back. */
  parked: boolean
  turn: Turn
}

/** A place in a group: a task's own, or that of an alias, which waits for a task of another group. */
export interface Turn {
  entry: Entry
  group: Group
  alias: string | undefined
  held: boolean
  /** Its task was offered, or it follows the task whose alias it is. */
  reached: boolean
  /** It is over, and whether it ended well. */
  done: 'well' | 'badly' | undefined
}

/** The ordered tasks of one request. */
export interface Group {
  /** Null for one that nobody else can join. */
  id: string | null
  turns: Turn[]
  /** Where the head stands. */
  first: number
  /** An earlier task of the group did not succeed. */
  troubled: boolean
}
