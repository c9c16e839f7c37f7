import type { TaskState } from '../../../core/task.ts'

/** A task that was not saved though its row could be read. */
export interface Dropped {
  /** Empty where even that cannot be read. */
  id: string
  name: string
  why: string
}

/** What `afterwork tasks recover` did. */
export type Recovery =
  | { outcome: 'healthy'; file: string }
  | {
      outcome: 'recovered'
      file: string
      /** Where the damaged file is now; its WAL, where it had one, is beside it. */
      kept: string
      saved: Record<TaskState, number>
      lost: Lost
      /** Tasks whose rows make no sense: how many, and the first of them. */
      dropped: { count: number; tasks: Dropped[] }
      /** What else a person should know, a sentence each. */
      notes: string[]
    }

/** Tasks that could not be read. */
export interface Lost {
  count: number
  /** Otherwise it is the most that it can be, and counts tasks that had ended and were forgotten. */
  exact: boolean
  /** The first of them, where the index of the ids could be read. */
  ids: string[]
}

/** How many dropped or lost tasks are named. */
export const mostNamed = 20
