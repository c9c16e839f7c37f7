import { existsSync, realpathSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { AfterworkError } from '../../../core/errors.ts'
import type { TaskRecord, TaskState } from '../../../core/task.ts'
import type { ListFilter } from '../../queue.ts'
import { Reader } from '../reader/reader.ts'
import { storeSql } from '../sql.ts'
import { checkOwner, explained } from '../store/database.ts'

/** Reads the file of a queue that others may be working on, or nobody, and changes nothing of it. */
export class Reading {
  readonly #file: string
  readonly #database: DatabaseSync
  readonly #reader: Reader

  /** @throws AFTERWORK_QUEUE_UNUSABLE, AFTERWORK_QUEUE_CORRUPT */
  constructor(path: string) {
    this.#file = existing(path)
    let database: DatabaseSync | undefined
    try {
      database = new DatabaseSync(this.#file, { readOnly: true })
      database.exec('PRAGMA busy_timeout = 5000')
      checkOwner(database, this.#file)
      this.#reader = new Reader(this.#file)
      this.#database = database
    } catch (error) {
      database?.close()
      throw explained(error, this.#file)
    }
  }

  get(id: string): TaskRecord | undefined {
    return this.#read(() => this.#reader.answer({ number: 0, ask: 'get', id }) as TaskRecord | undefined)
  }

  list(filter: ListFilter): TaskRecord[] {
    return this.#read(() => this.#reader.answer({ number: 0, ask: 'list', ...filter }) as TaskRecord[])
  }

  /** When the oldest task that waits was added, in milliseconds since 1970; null when none does. */
  oldest(): number | null {
    return this.#read(() => this.#reader.answer({ number: 0, ask: 'oldest' }) as number | null)
  }

  /** How many tasks are in each state. */
  counters(): Record<TaskState, number> {
    const { queued, scheduled, running, succeeded, failed, cancelled } = this.#totals()
    return { queued, scheduled, running, succeeded, failed, cancelled }
  }

  /** How many tasks have ever been added, and have ended, an attempt by hand counting again: numbers that only grow. */
  flow(): { added: number; ended: number } {
    const { seq, ended } = this.#totals()
    return { added: seq, ended }
  }

  close(): void {
    this.#reader.close()
    this.#database.close()
  }

  #totals(): Record<TaskState | 'seq' | 'ended', number> {
    return this.#read(
      () => this.#database.prepare(storeSql.totals).get() as Record<TaskState | 'seq' | 'ended', number>,
    )
  }

  #read<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw explained(error, this.#file)
    }
  }
}

/**
 * The file itself, for a link to it would have a log of its own.
 * @throws AFTERWORK_QUEUE_UNUSABLE when there is none
 */
export function existing(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  throw new AfterworkError('AFTERWORK_QUEUE_UNUSABLE', `There is no queue at ${path}`)
}
