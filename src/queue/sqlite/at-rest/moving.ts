import { existsSync, renameSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { AfterworkError } from '../../../core/errors.ts'
import type { Receipt } from '../../../core/receipt.ts'
import type { Moved, MovedAlias, MovedTask, Seal } from '../../moved.ts'
import { syncFolder } from '../recover/swap.ts'
import { movingSql } from '../sql.ts'
import { explained, openDatabase } from '../store/database.ts'
import { Lock } from '../store/lock.ts'
import { recover } from '../store/recovery.ts'
import { Store } from '../store/store.ts'
import { movedAlias, movedTask, type AliasRow, type TaskRow } from './moved-row.ts'
import { existing } from './reading.ts'
import { openSealed, readSeal, removeSeal, writeSeal } from './seal.ts'

/** A pool and a name that tasks have; `batch` when one of them may share a message. */
export interface LaneRow {
  pool: string
  name: string
  batch: 0 | 1
}

/**
 * A queue that leaves for another place. It is locked meanwhile; its rows are given as they are, and the file is sealed
 * before the other queue commits them: no process starts on a sealed file, so that no task can be run by both.
 */
export class Moving {
  readonly file: string
  readonly #lock: Lock
  #seal: Seal | undefined
  #database: DatabaseSync | undefined

  /** @throws AFTERWORK_QUEUE_IN_USE, AFTERWORK_QUEUE_UNUSABLE, AFTERWORK_QUEUE_CORRUPT */
  constructor(path: string) {
    this.file = existingOrMoved(path)
    let lock: Lock | undefined
    try {
      lock = new Lock(this.file)
      this.#lock = lock
      this.#seal = readSeal(this.file)
      if (this.#seal === undefined) this.#database = openDatabase(this.file)
    } catch (error) {
      lock?.release()
      throw explained(error, this.file)
    }
  }

  /** Where an earlier move of this file went, of which it is not known here whether it was committed. */
  get seal(): Seal | undefined {
    return this.#seal
  }

  /** That move was not committed. */
  unseal(): void {
    if (this.#seal === undefined) return
    this.#database?.close()
    this.#database = undefined
    removeSeal(this.file)
    this.#seal = undefined
    this.#database = openDatabase(this.file)
  }

  /** From now on no process starts on this file. */
  sealFor(seal: Seal): void {
    writeSeal(this.#opened, seal)
    this.#seal = seal
  }

  /** Brings what a process left behind into the state that the next start would: nothing runs, nothing is held. */
  recover(now: number): void {
    const bounds = { maxTasks: Infinity, maxBytes: Infinity, keepTasks: Infinity }
    try {
      const store = new Store(this.#opened, { file: this.file, ...bounds, now, resumed: false })
      store.transaction(() => void recover(store.ledger, now))
    } catch (error) {
      throw explained(error, this.file)
    }
  }

  /** How many tasks there are, and the first and last place in the order of ending; null where none has ended. */
  extent(): { tasks: number; first: number | null; last: number | null } {
    return this.#opened.prepare(movingSql.extent).get() as ReturnType<Moving['extent']>
  }

  lanes(): LaneRow[] {
    return this.#opened.prepare(movingSql.lanes).all() as unknown as LaneRow[]
  }

  /** The tasks that keep others with their key away. */
  *keys(): Generator<{ id: string; name: string; key: string }> {
    yield* this.#rows(movingSql.keys)
  }

  /** Tasks and aliases, the last that came first; one at a time, however many there are. */
  *turns(): Generator<MovedTask | MovedAlias> {
    const aliases = this.#rows<AliasRow>(movingSql.aliases)
    let alias = aliases.next()
    for (const row of this.#rows<TaskRow>(movingSql.tasks)) {
      for (; alias.done !== true && alias.value.seq > row.seq; alias = aliases.next())
        yield movedAlias(alias.value)
      yield movedTask(row)
    }
    for (; alias.done !== true; alias = aliases.next()) yield movedAlias(alias.value)
  }

  /** Starts of tasks with a rate limit. */
  *starts(): Generator<{ name: string; at: number }> {
    yield* this.#rows(movingSql.starts)
  }

  /** Answers under an Idempotency-Key whose time is not over. */
  *receipts(now: number): Generator<Receipt> {
    yield* this.#rows(movingSql.receipts, now)
  }

  paused(): Moved['paused'] {
    return Array.from(this.#rows<{ pool: string }>(movingSql.paused), ({ pool }) => pool)
  }

  /**
   * Takes the sealed file out of the way, its log merged into it; gives its new name.
   * @throws AFTERWORK_QUEUE_UNUSABLE when the system refuses, or somebody reads it for long; it stays sealed
   */
  setAside(): string {
    try {
      const database = this.#database ?? openSealed(this.file)
      this.#database = undefined
      try {
        database.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = DELETE')
        const { journal_mode: mode } = database.prepare('PRAGMA journal_mode').get() as {
          journal_mode: string
        }
        if (mode !== 'delete') throw new Error('another process reads it')
      } finally {
        database.close()
      }
      const aside = freeName(`${this.file}.moved`)
      renameSync(this.file, aside)
      syncFolder(this.file)
      return aside
    } catch (error) {
      const { message } = error as Error
      throw new AfterworkError(
        'AFTERWORK_QUEUE_UNUSABLE',
        `Everything was moved, but ${this.file} could not be set aside (${message}): run the same command again`,
        { cause: error },
      )
    }
  }

  close(): void {
    this.#database?.close()
    this.#lock.release()
  }

  get #opened(): DatabaseSync {
    return this.#database!
  }

  *#rows<Row>(sql: string, ...values: number[]): Generator<Row> {
    try {
      yield* this.#opened.prepare(sql).iterate(...values) as Iterable<unknown> as Iterable<Row>
    } catch (error) {
      throw explained(error, this.file)
    }
  }
}

/** The file, or the reason why it is not there. */
function existingOrMoved(path: string): string {
  if (existsSync(path) || !existsSync(`${path}.moved`)) return existing(path)
  throw new AfterworkError(
    'AFTERWORK_QUEUE_UNUSABLE',
    `There is no queue at ${path}: it was moved already, and is kept as ${path}.moved`,
  )
}

function freeName(name: string): string {
  if (!existsSync(name)) return name
  let count = 2
  while (existsSync(`${name}-${count}`)) count++
  return `${name}-${count}`
}
