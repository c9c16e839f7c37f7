import { createHash } from 'node:crypto'
import { AfterworkError } from '../../core/errors.ts'
import type { Database } from './database.ts'
import { functions, migrations } from './schema.ts'
import { named, type Names } from './sql.ts'

/**
 * Brings the schema to the version of this package, however many processes do so at the same time.
 * @throws AFTERWORK_QUEUE_UNUSABLE when a newer version has been there
 */
export async function install(database: Database, names: Names): Promise<void> {
  const { schema } = names
  const digest = createHash('sha256').update(functions.join('\n')).digest('hex')
  await database.transaction(async (run) => {
    const execute = (text: string): Promise<Record<string, unknown>[]> =>
      run({ name: '', text: named(text, names) }, [])
    await execute(`SELECT pg_advisory_xact_lock(hashtextextended('install', $lock))`)
    await execute(`CREATE SCHEMA IF NOT EXISTS "${schema}"`)
    await execute('CREATE TABLE IF NOT EXISTS $s.version (version integer NOT NULL, functions text NOT NULL)')
    const [found] = await execute('SELECT version, functions FROM $s.version')
    const version = (found?.['version'] as number | undefined) ?? 0
    if (version > migrations.length) {
      const message = `The schema ${schema} is of a newer version of afterwork: ${version}, and this one knows ${migrations.length}`
      throw new AfterworkError('AFTERWORK_QUEUE_UNUSABLE', message)
    }
    for (const migration of migrations.slice(version)) await execute(migration)
    if (found?.['functions'] !== digest) for (const text of functions) await execute(text)
    await execute('DELETE FROM $s.version')
    await run({ name: '', text: named('INSERT INTO $s.version VALUES ($1, $2)', names) }, [
      migrations.length,
      digest,
    ])
  })
}
