import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import type { Seal } from '../../moved.ts'
import { movingSql, sealedId } from '../sql.ts'

/** What a sealed file says of where it goes; undefined for any other, whatever it is. */
export function readSeal(file: string): Seal | undefined {
  // SQLite would throw away the log of an empty file.
  if (statSync(file).size === 0) return undefined
  const url = pathToFileURL(file)
  // The queue has a lock of its own; so nothing is written, and the log stays.
  url.search = `?mode=ro&vfs=${process.platform === 'win32' ? 'win32-none' : 'unix-none'}`
  const database = new DatabaseSync(url)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE')
    const { application_id: id } = database.prepare('PRAGMA application_id').get() as {
      application_id: number
    }
    if (id !== sealedId) return undefined
    return { ...(database.prepare(movingSql.sealed).get() as unknown as Seal) }
  } finally {
    database.close()
  }
}

/** Seals a queue that is open, for good. */
export function writeSeal(database: DatabaseSync, { id, target, url }: Seal): void {
  transaction(database, () => {
    database.exec(movingSql.seal)
    database.prepare(movingSql.saveSeal).run(id, target, url)
  })
}

/** Makes a queue of a sealed file again. */
export function removeSeal(file: string): void {
  const database = openSealed(file)
  try {
    transaction(database, () => database.exec(movingSql.unseal))
  } finally {
    database.close()
  }
}

/** A connection that may write to a sealed file. */
export function openSealed(file: string): DatabaseSync {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL')
  return database
}

function transaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    work()
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
