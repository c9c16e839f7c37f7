import { DatabaseSync } from 'node:sqlite'
import { AfterworkError } from '../../../core/errors.ts'

/** SQLite's codes for a file that another connection has locked, that is damaged, or is no database. */
const [busy, corrupt, notADatabase] = [5, 11, 26]

/**
 * Keeps a second writer away from a queue for as long as it is held, by a write lock of SQLite's on a file beside it:
 * the kernel takes that away with the process, however it dies, so that no stale lock is ever left.
 * Readers need none, and the name of the holder can be read.
 */
export class Lock {
  readonly #database: DatabaseSync

  /** @throws AFTERWORK_QUEUE_IN_USE when another process, or another queue of this one, has it */
  constructor(file: string) {
    this.#database = new DatabaseSync(`${file}-lock`)
    try {
      // Nothing in it needs to survive a power cut.
      this.#database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF')
      this.#database.exec('BEGIN IMMEDIATE')
      // One that was refused may be reading who was faster.
      this.#database.exec('PRAGMA busy_timeout = 2000')
      this.#database.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER)')
      this.#database.exec(`DELETE FROM holder; INSERT INTO holder VALUES (${process.pid}); COMMIT`)
      this.#database.exec('PRAGMA busy_timeout = 0')
      this.#database.exec('BEGIN IMMEDIATE')
    } catch (error) {
      const { errcode, message } = error as { errcode?: number; message: string }
      const holder = errcode === busy ? this.#holder() : undefined
      this.#database.close()
      if (errcode === corrupt || errcode === notADatabase) {
        throw new AfterworkError(
          'AFTERWORK_QUEUE_UNUSABLE',
          `${file}-lock is damaged (${message}): remove it, nothing is lost with it`,
          { cause: error },
        )
      }
      if (holder === undefined) throw error
      throw new AfterworkError(
        'AFTERWORK_QUEUE_IN_USE',
        `${file} is in use by ${holder}: a queue file has one process; stop the other, or give this one a file of its own`,
        { cause: error },
      )
    }
  }

  release(): void {
    this.#database.close()
  }

  #holder(): string {
    try {
      this.#database.exec('PRAGMA busy_timeout = 2000')
      const row = this.#database.prepare('SELECT pid FROM holder').get() as { pid: number } | undefined
      return row === undefined ? 'another process' : `process ${row.pid}`
    } catch {
      return 'another process'
    }
  }
}
