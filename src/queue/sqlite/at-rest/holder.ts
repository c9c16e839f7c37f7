import { existsSync, realpathSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { isAlive } from './alive.ts'

/** SQLite's codes for a file that another connection has locked, and for one that may only be read. */
const [busy, readOnly] = [5, 8]

/** Who has the lock of a queue; no number where it cannot be read. */
export interface Holder {
  pid: number | undefined
}

/** The process that works on a queue, or undefined when there is none. What is locked stays so, what is not is let go at once. */
export function holderOf(path: string): Holder | undefined {
  const file = existsSync(path) ? realpathSync(path) : path
  if (!existsSync(`${file}-lock`)) return undefined
  const database = new DatabaseSync(`${file}-lock`)
  try {
    // In the journal mode of the lock: any other would write a file.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE; ROLLBACK')
    return undefined
  } catch (error) {
    const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff
    if (code !== busy && code !== readOnly) return undefined
    const pid = pidIn(database)
    // Whoever may not lock the file can only look whether the process is there.
    if (code === readOnly && (pid === undefined || !isAlive(pid))) return undefined
    return { pid }
  } finally {
    database.close()
  }
}

function pidIn(database: DatabaseSync): number | undefined {
  try {
    database.exec('PRAGMA busy_timeout = 2000')
    return (database.prepare('SELECT pid FROM holder').get() as { pid: number } | undefined)?.pid
  } catch {
    return undefined
  }
}
