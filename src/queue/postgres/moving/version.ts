import { AfterworkError } from '../../../core/errors.ts'
import type { Database, Statement } from '../database.ts'
import { migrations } from '../schema.ts'
import type { Names } from '../sql.ts'

/** SQLSTATEs: no such schema, no such table. */
const missing = new Set(['3F000', '42P01'])

/**
 * Whether there is a queue in the schema.
 * @throws AFTERWORK_QUEUE_UNUSABLE for one of another version than this package's
 */
export async function refuseOtherVersion(
  database: Database,
  { schema }: Names,
  statement: Statement,
): Promise<boolean> {
  const version = await versionOf(database, statement)
  if (version === undefined || version === migrations.length) return version !== undefined
  const advice =
    version > migrations.length
      ? 'use that version for this, too'
      : 'start a service of this version on it first, which brings it up to date'
  throw new AfterworkError(
    'AFTERWORK_QUEUE_UNUSABLE',
    `The schema ${schema} is of ${version > migrations.length ? 'a newer' : 'an older'} version of afterwork (${version}, this one has ${migrations.length}): ${advice}`,
  )
}

async function versionOf(database: Database, statement: Statement): Promise<number | undefined> {
  try {
    return (await database.run<{ version: number }>(statement, []))[0]?.version
  } catch (error) {
    if (missing.has((error as { code?: string }).code ?? '')) return undefined
    throw error
  }
}

/** What the database said, with what it was about. */
export function unusable(error: unknown): AfterworkError {
  if (error instanceof AfterworkError) return error
  const { message } = error as Error
  return new AfterworkError(
    'AFTERWORK_QUEUE_UNUSABLE',
    `The database of the queue cannot be used: ${message}`,
    { cause: error },
  )
}
