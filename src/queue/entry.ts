import type { NewTask, TaskRecord } from '../core/task.ts'
import type { Waiting } from './lanes.ts'

/** A task that has not been forgotten, with what decides its turn. */
export interface Entry extends Waiting {
  task: NewTask
  record: TaskRecord
  bytes: number
  /** Attempts that count against `retries`. */
  failures: number
  suspect: boolean
  claimed: boolean
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
