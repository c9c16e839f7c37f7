import { badOption } from '../../core/errors.ts'
import type { Names } from './sql.ts'

/** Where a queue is: the database as `pg` takes it, and the schemas in it. */
export interface Place {
  url: string
  names: Names
}

/**
 * Reads the URL of a queue; `?schema=shop` names the schema of the tables, `afterwork` by default, which has another
 * beside it for pg-boss.
 * @throws AFTERWORK_BAD_OPTION
 */
export function placeOf(given: string): Place {
  const url = new URL(given)
  const schema = url.searchParams.get('schema') ?? 'afterwork'
  if (!/^[a-z_][a-z0-9_]{0,39}$/.test(schema))
    throw badOption('queue', 'a schema of at most 40 lower-case letters, digits and underscores', schema)
  url.searchParams.delete('schema')
  return { url: url.href, names: { schema, boss: `${schema}_boss` } }
}
