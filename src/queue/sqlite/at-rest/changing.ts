import { AfterworkError, type ErrorCode } from '../../../core/errors.ts'
import type { TaskRecord } from '../../../core/task.ts'
import { ask, type CancelResult, type Refusal } from '../message.ts'
import { explained, openDatabase } from '../store/database.ts'
import { Lock } from '../store/lock.ts'
import { Store } from '../store/store.ts'
import { existing } from './reading.ts'

/** What became of one of many: its record, or undefined where it is forgotten; or why nothing did. */
export type Result = { record: TaskRecord | undefined } | { error: AfterworkError }

/**
 * Changes tasks of a queue that no process works on. Nothing is started, and nothing is recovered: what ran when the
 * last process died still looks as it did then to the next one that starts.
 */
export class Changing {
  readonly #store: Store
  readonly #close: () => void

  /** @throws AFTERWORK_QUEUE_IN_USE, AFTERWORK_QUEUE_UNUSABLE, AFTERWORK_QUEUE_CORRUPT */
  constructor(path: string) {
    const file = existing(path)
    let lock: Lock | undefined
    try {
      lock = new Lock(file)
      const database = openDatabase(file)
      const held = lock
      this.#close = () => {
        database.close()
        held.release()
      }
      // Bounds are for what is added, and forgetting is for those who end tasks.
      const unbounded = { maxTasks: Infinity, maxBytes: Infinity, keepTasks: Infinity }
      this.#store = new Store(database, { file, ...unbounded, now: Date.now(), resumed: true })
    } catch (error) {
      lock?.release()
      throw explained(error, file)
    }
  }

  /** See Controls.retry(); all of them in one transaction, each refused alone. */
  retry(ids: readonly string[]): Result[] {
    return this.#apply(ids, (id) => [ask.retry, id]).map((result) => resultOf(result as TaskRecord | Refusal))
  }

  /** See Controls.purge(). */
  purge(ids: readonly string[]): Result[] {
    return this.#apply(ids, (id) => [ask.purge, id]).map((result) => resultOf(result as undefined | Refusal))
  }

  /** See Controls.cancel(); one that ran when its process died has ended at once, too. */
  cancel(ids: readonly string[], at: number): Result[] {
    const results = this.#apply(ids, (id) => [ask.cancelById, id, at]) as (CancelResult | Refusal)[]
    return results.map((result) => {
      if ('inFlight' in result) return { record: this.#cancelLeft(result.inFlight, at) }
      return 'refused' in result ? resultOf(result) : { record: result.record }
    })
  }

  close(): void {
    this.#close()
  }

  /** Its attempt ended with the process. */
  #cancelLeft(id: string, at: number): TaskRecord {
    const { ledger } = this.#store
    const { seq, name } = ledger.sql.byId.get(id) as unknown as { seq: number; name: string }
    const error = new AfterworkError('AFTERWORK_CANCELLED', `${name} was cancelled while no process ran it`)
    let record: TaskRecord | undefined
    this.#store.transaction(() => {
      record = ledger.cancel(seq, at, error)
      ledger.advance(at)
    })
    return record!
  }

  #apply(ids: readonly string[], asking: (id: string) => unknown[]): unknown[] {
    return this.#store.apply(ids.flatMap(asking))
  }
}

function resultOf(result: TaskRecord | Refusal | undefined): Result {
  if (result === undefined || !('refused' in result)) return { record: result }
  return { error: new AfterworkError(result.refused as ErrorCode, result.message) }
}
