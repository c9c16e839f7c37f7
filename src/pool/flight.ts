import type { AfterworkError } from '../core/errors.ts'
import type { AttemptEnd } from '../core/pool.ts'
import type { ClaimedTask } from '../core/task.ts'
import type { Threads } from './threads.ts'

/** One attempt on its way, from run() to its end. */
export class Flight {
  readonly task: ClaimedTask
  /** Gives its end to whoever asked for the attempt. */
  readonly land: (end: AttemptEnd) => void
  /** Those it was handed to. */
  threads: Threads | undefined
  /** Its row on their board, or -1 while it has none. */
  row = -1
  /** It is the first of those that share its message: none of them begins before it. */
  leads = false
  /** Messages of it that arrived. */
  heard = 0
  /** Why it was asked to stop, once it was. */
  stopping: AfterworkError | undefined
  /** Until when it may go on as it is, on the clock of performance.now(); unknown until somebody saw it run. */
  due: number | undefined
  /** Until when its thread may leave it unbegun, on the same clock. */
  patience: number | undefined

  constructor(task: ClaimedTask, land: (end: AttemptEnd) => void) {
    this.task = task
    this.land = land
  }

  /** Id of the thread on which it began, or null if it has not. */
  get thread(): number | null {
    return this.row < 0 ? null : this.threads!.board.thread(this.row)
  }

  /** Milliseconds since 1970 when it began, or null if it has not. */
  get startedAt(): number | null {
    return this.thread === null ? null : this.threads!.board.startedAt(this.row)
  }

  /** Whether it has ended in its thread, though its reply may be yet to come; it must have begun. */
  get ended(): boolean {
    return this.threads!.board.ended(this.row)
  }

  /** Whether nothing ran on its thread before, so that what the thread holds is its own; it must have begun. */
  get first(): boolean {
    return this.threads!.board.first(this.row)
  }
}
