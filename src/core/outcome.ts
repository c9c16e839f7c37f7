import type { Failure } from './failure.ts'
import type { NewTask } from './task.ts'
import type { Steering } from './task-error.ts'

/** How one attempt ended, as the pool tells it. */
export type Outcome =
  | { kind: 'succeeded'; result: string | undefined; followUps?: readonly NewTask[] }
  /** The task threw, timed out, or cost its thread. */
  | { kind: 'failed'; failure: Failure; steering?: Steering; followUps?: readonly NewTask[] }
  /** The attempt ended through no fault of the task; it is queued again and charged nothing. A suspect runs alone. */
  | { kind: 'interrupted'; failure: Failure; suspect?: boolean }
  | { kind: 'cancelled'; failure: Failure }
