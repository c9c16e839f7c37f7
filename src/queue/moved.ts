import type { NewTask, TaskState } from '../core/task.ts'

/** A task as it leaves one queue for another; times are milliseconds since 1970 by the clock of the queue that it leaves. */
export interface MovedTask {
  task: NewTask
  /** Its place in the order of arrival, which it shares with aliases. */
  seq: number
  /** `blocked` behind a predecessor of its group, `ready` when its turn has come. */
  state: 'blocked' | 'ready' | 'scheduled' | 'succeeded' | 'failed' | 'cancelled'
  /** Whether its turn in the group is over: 1 well, 2 badly. */
  done: number
  /** Others have turns in the group of which it is the first. */
  leads: boolean
  attempt: number
  failures: number
  /** It may have cost a process or a thread. */
  suspect: boolean
  /** It ran, or may have run, when its process died: it runs first, and alone. */
  lost: boolean
  /** How many of them in a row it was alone at. */
  crashes: number
  addedAt: number
  runAt: number | null
  startedAt: number | null
  endedAt: number | null
  /** Its place in the order of ending. */
  ended: number | null
  /** When it is forgotten, where that is not the default time after its end. */
  expiresAt: number | null
  result: string | null
  error: string | null
  progress: string | null
}

/** A second id of a task with a unique key, which has a turn in a group of its own. */
export interface MovedAlias {
  id: string
  seq: number
  group: string
  /** The id of its task; null once that is forgotten. */
  target: string | null
  reached: boolean
  done: number
}

/** What says in a queue that is being moved where it goes. */
export interface Seal {
  /** The id of the move. */
  id: string
  /** The id of the queue that it goes to. */
  target: string
  /** The URL of that queue, without a password. */
  url: string
}

/** What was moved. */
export interface Moved {
  tasks: Record<TaskState, number>
  /** Second ids of tasks with a unique key. */
  aliases: number
  /** Answers kept under an Idempotency-Key. */
  receipts: number
  /** Pools that are paused, which the other queue's then are, too. */
  paused: string[]
}
