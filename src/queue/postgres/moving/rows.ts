import { hasEnded, type TaskState } from '../../../core/task.ts'
import type { Moved, MovedAlias, MovedTask } from '../../moved.ts'
import { newRow } from '../row.ts'
import { rowState } from '../schema.ts'

/** Microseconds in a millisecond, which the order of arrival counts. */
const micro = 1_000

/** What `afterwork move` inserts of a task: the columns of its row. */
export type TaskRow = ReturnType<Rows['task']>

/**
 * Makes rows of what another queue gives, the last that came first. The order of arrival is kept: it becomes a time,
 * that of the arrival, or a little earlier where the clock of the old queue stood still or was set back; always before
 * anything that is added from now on.
 */
export class Rows {
  readonly counts: Record<TaskState, number> = {
    queued: 0,
    scheduled: 0,
    running: 0,
    succeeded: 0,
    failed: 0,
    cancelled: 0,
  }
  /** Of the arguments of tasks that have not ended. */
  bytes = 0
  readonly #queueOf: (task: MovedTask['task']) => string
  readonly #shift: number
  readonly #endedBase: number
  /** The next one arrived before this, in microseconds since 1970. */
  #before: number

  /**
   * `shift` brings a time of the old queue to the clock of the database, which says that it is `now`; `endedBase` brings
   * a place in the old order of ending to one in the new.
   */
  constructor(
    queueOf: (task: MovedTask['task']) => string,
    { now, shift, endedBase }: { now: number; shift: number; endedBase: number },
  ) {
    this.#queueOf = queueOf
    this.#shift = shift
    this.#endedBase = endedBase
    this.#before = Math.floor(now) * micro
  }

  task(moved: MovedTask) {
    const { task, state, ended } = moved
    const seq = this.#seq(Math.round(moved.addedAt + this.#shift) * micro + micro - 1)
    const row = newRow(task, this.#queueOf(task), moved.leads || task.group !== task.id, 0)
    // Its delay became a time when it was added.
    delete row.delay
    this.#count(moved, row.bytes)
    return {
      ...row,
      seq,
      state: rowState[state],
      done: moved.done,
      attempt: moved.attempt,
      failures: moved.failures,
      suspect: moved.suspect,
      crashes: moved.crashes,
      run_at: this.#time(moved.runAt),
      started_at: this.#time(moved.startedAt),
      ended_at: this.#time(moved.endedAt),
      ended: ended === null ? null : ended + this.#endedBase,
      expires_at: this.#time(moved.expiresAt),
      result: moved.result,
      error: moved.error,
      progress: moved.progress,
    }
  }

  alias({ id, group, target, reached, done }: MovedAlias) {
    return { id, seq: this.#seq(Infinity), grp: group, target, reached, done }
  }

  /** A time of the old queue by the clock of the database. */
  time(at: number): number {
    return Math.ceil(at + this.#shift)
  }

  #time(at: number | null): number | null {
    return at === null ? null : this.time(at)
  }

  #seq(arrived: number): number {
    this.#before = Math.min(this.#before - 1, arrived)
    return this.#before
  }

  #count({ state }: MovedTask, bytes: number): void {
    const counted: Moved['tasks'] = this.counts
    const shown = state === 'blocked' || state === 'ready' ? 'queued' : state
    counted[shown]++
    if (!hasEnded(shown)) this.bytes += bytes
  }
}
