import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { AfterworkError } from '../../../core/errors.ts'
import { applicationId, migrations, movingSql, sealedId } from '../sql.ts'

/** SQLite's codes for a file that is damaged, or no database. */
const [corrupt, notADatabase] = [11, 26]
/** Files up to this size are checked throughout at each start, in well under a second. */
const checkedThroughout = 32 * 1024 ** 2

/**
 * Opens the file of a queue, makes it if there is none, and brings it to the present version. A file that this process
 * has open already (`resumed`) was inspected before.
 * @throws AFTERWORK_QUEUE_CORRUPT, AFTERWORK_QUEUE_UNUSABLE; the file stays as it is
 */
export function openDatabase(file: string, resumed = false): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    // To close a file takes away the locks that all of this process have on it.
    if (!resumed) inspect(file)
    database = new DatabaseSync(file)
    // FULL: a commit is on disk before it is acknowledged, whatever happens to the machine.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000')
    // The cache stays small: SQLite walks through it at every commit, and the system has one of its own.
    database.exec('PRAGMA cache_size = -2000; PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY')
    migrate(database)
    return database
  } catch (error) {
    database?.close()
    throw explained(error, file)
  }
}

/**
 * Makes the folder of a queue if it is missing; gives the file itself, for a link to it would have a lock of its own.
 * @throws AFTERWORK_QUEUE_UNUSABLE
 */
export function prepareFolder(file: string): string {
  try {
    mkdirSync(dirname(file), { recursive: true })
    accessSync(dirname(file), constants.R_OK | constants.W_OK | constants.X_OK)
    return statSync(file, { throwIfNoEntry: false }) === undefined ? file : realpathSync(file)
  } catch (error) {
    throw explained(error, file)
  }
}

/** What SQLite or the system said, with what a person can do about it. */
export function explained(error: unknown, file: string): AfterworkError {
  if (error instanceof AfterworkError) return error
  const { errcode, message } = error as { errcode?: number; message: string }
  // Extended codes carry the plain one in their low byte.
  const code = errcode === undefined ? undefined : errcode & 0xff
  if (code === corrupt || code === notADatabase) {
    return new AfterworkError(
      'AFTERWORK_QUEUE_CORRUPT',
      `${file} is damaged (${message}) and was left as it is: 'afterwork tasks recover' saves what can be read`,
      { cause: error },
    )
  }
  return new AfterworkError('AFTERWORK_QUEUE_UNUSABLE', `${file} cannot be used: ${message}`, {
    cause: error,
  })
}

/**
 * Refuses what is no sound queue, over a connection that changes nothing: it needs no locks, for the queue has its own,
 * keeps the index of the log in memory, and cannot bring the log into the file when it is closed.
 */
function inspect(file: string): void {
  const size = sizeOf(file)
  if (size === 0) {
    // SQLite would throw the log away.
    if (sizeOf(`${file}-wal`) > 0) throw damaged('it is empty, though there is a log beside it', corrupt)
    return
  }
  checkHeader(file, size)
  const url = pathToFileURL(file)
  url.search = `?mode=ro&vfs=${process.platform === 'win32' ? 'win32-none' : 'unix-none'}`
  const database = new DatabaseSync(url)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE')
    checkOwner(database, file)
    if (size <= checkedThroughout) checkContent(database)
  } finally {
    database.close()
  }
}

/** SQLite takes a file that is cut off within its header for an empty one, and would begin anew over what is left. */
function checkHeader(file: string, size: number): void {
  const header = Buffer.alloc(16)
  const descriptor = openSync(file, 'r')
  try {
    readSync(descriptor, header, 0, header.length, 0)
  } finally {
    closeSync(descriptor)
  }
  if (size >= 512 && header.toString('latin1') === 'SQLite format 3\0') return
  throw damaged('file is not a database', notADatabase)
}

function checkContent(database: DatabaseSync): void {
  const [finding] = database.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[]
  if (finding === undefined || finding.quick_check === 'ok') return
  throw damaged(finding.quick_check.replaceAll(/\s+/g, ' '), corrupt)
}

/** Throws AFTERWORK_QUEUE_UNUSABLE for a file of something else, of a newer version, or that was moved elsewhere. */
export function checkOwner(database: DatabaseSync, file: string): void {
  const id = pragma(database, 'application_id')
  if (id === sealedId) {
    const { url } = database.prepare(movingSql.sealed).get() as { url: string }
    throw sealed(file, url)
  }
  const version = pragma(database, 'user_version')
  const tables = database.prepare("SELECT count(*) AS count FROM sqlite_schema WHERE type = 'table'").get()
  if (id !== applicationId && (id !== 0 || (tables as { count: number }).count > 0)) {
    throw new AfterworkError(
      'AFTERWORK_QUEUE_UNUSABLE',
      `${file} is a database of something else; give the queue a file of its own`,
    )
  }
  if (version > migrations.length) {
    throw new AfterworkError(
      'AFTERWORK_QUEUE_UNUSABLE',
      `${file} was written by a newer afterwork (version ${version} of the file, this one knows ${migrations.length})`,
    )
  }
}

/** No process may work on a queue that is on its way to another place, or is there already. */
export function sealed(file: string, url: string): AfterworkError {
  return new AfterworkError(
    'AFTERWORK_QUEUE_UNUSABLE',
    `${file} was moved to ${url}, or was being moved when the process died: 'afterwork move --from sqlite:${file} --to ...' brings it to an end`,
  )
}

function migrate(database: DatabaseSync): void {
  const version = pragma(database, 'user_version')
  for (let next = version; next < migrations.length; next++) {
    database.exec('BEGIN IMMEDIATE')
    try {
      database.exec(migrations[next]!)
      database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${next + 1}; COMMIT`)
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

/** As SQLite would say it. */
function damaged(message: string, errcode: number): Error {
  return Object.assign(new Error(message), { errcode })
}

function pragma(database: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return (database.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name]!
}
