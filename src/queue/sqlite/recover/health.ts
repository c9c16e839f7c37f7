import { openSync, closeSync, readSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { AfterworkError } from '../../../core/errors.ts'
import { applicationId, migrations, recoverSql, sealedId } from '../sql.ts'
import { sealed } from '../store/database.ts'
import { magicText, type Pages } from './pages.ts'

/** A version past this is damage; one up to it may be that of a newer afterwork. */
const latestVersion = 1_000

/** SQLite's codes for what is no damage: missing rights, a lock, too little memory, a file that cannot be opened. */
const elsewhere = [3, 5, 7, 14]

/**
 * Whether the engine can start on a file and loses nothing by it. Nothing is written: SQLite would throw away the WAL
 * of an empty file.
 * @throws AFTERWORK_QUEUE_UNUSABLE for the file of something else, of a newer afterwork, or that was moved elsewhere
 */
export function isHealthy(file: string, pages: Pages): boolean {
  if (isEmpty(file) && isEmpty(`${file}-wal`)) return true
  if (pages.torn || !beginsWell(file)) return false
  const { applicationId: id, version } = pages.header ?? { applicationId: 0, version: 0 }
  if (id === applicationId && version > migrations.length && version <= latestVersion) {
    throw new AfterworkError(
      'AFTERWORK_QUEUE_UNUSABLE',
      `${file} was written by a newer afterwork (version ${version} of the file, this one knows ${migrations.length})`,
    )
  }
  if (id === sealedId) throw sealed(file, 'another queue')
  const tables = soundTables(file)
  if (tables === undefined) return false
  if (tables.includes('tasks') && tables.includes('totals'))
    return id === applicationId && version >= 1 && version <= migrations.length
  if (id === 0 && tables.length === 0) return true
  if (id === applicationId) return false
  throw new AfterworkError(
    'AFTERWORK_QUEUE_UNUSABLE',
    `${file} is a database of something else, and is not damaged; give the queue a file of its own`,
  )
}

/** The tables of a file in which SQLite finds nothing wrong; undefined for any other. */
function soundTables(file: string): string[] | undefined {
  let database: DatabaseSync | undefined
  try {
    const url = pathToFileURL(file)
    // Without locks, for the queue has its own, and with the index of the log in memory: no file is made or changed.
    url.search = `?mode=ro&vfs=${process.platform === 'win32' ? 'win32-none' : 'unix-none'}`
    database = new DatabaseSync(url)
    database.exec('PRAGMA locking_mode = EXCLUSIVE')
    const [finding] = database.prepare('PRAGMA integrity_check(1)').all() as { integrity_check: string }[]
    if (finding?.integrity_check !== 'ok') return undefined
    const tables = (database.prepare(recoverSql.tables).all() as unknown as { name: string }[]).map(
      ({ name }) => name,
    )
    const whole = !tables.includes('totals') || database.prepare(recoverSql.totalsRow).get() !== undefined
    return whole ? tables : undefined
  } catch (error) {
    // Some errors say nothing of the file.
    const { errcode } = error as { errcode?: number }
    if (errcode === undefined || elsewhere.includes(errcode & 0xff)) throw error
    return undefined
  } finally {
    database?.close()
  }
}

function beginsWell(file: string): boolean {
  const start = Buffer.alloc(magicText.length)
  const descriptor = openSync(file, 'r')
  try {
    return (
      readSync(descriptor, start) === start.length &&
      start.toString('latin1') === magicText &&
      statSync(file).size >= 512
    )
  } finally {
    closeSync(descriptor)
  }
}

function isEmpty(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0
}
