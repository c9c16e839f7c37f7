import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Endings } from '../../../test/support/endings.ts'
import { startPostgres as startServer } from '../../../test/support/postgres.ts'

/** A PostgreSQL server of our own. */
export interface PostgresServer {
  /** Makes a new database; gives its URL. */
  database: () => Promise<string>
  stop: () => Promise<void>
}

/** What a database needs so that what is acknowledged is on the disk; they are PostgreSQL's defaults. */
const durable = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' }

/**
 * Starts a server with its own defaults, by which every commit is synced, and its files in `folder`: the process then
 * has its temporary files there, too.
 */
export async function startPostgres(folder: string): Promise<PostgresServer> {
  // PostgreSQL refuses to run as root, and the user it is then given must get at its files.
  await chmod(folder, 0o711)
  process.env['TMPDIR'] = folder
  const script = join(folder, 'no-tables.sql')
  await writeFile(script, '')
  const endings = new Endings()
  try {
    const server = await startServer(endings)
    return {
      async database() {
        const database = await server.database(endings, pathToFileURL(script))
        for (const [name, expected] of Object.entries(durable)) {
          const [row] = await database.rows<Record<string, string>>(`SHOW ${name}`)
          if (row![name] !== expected)
            throw new Error(`Expected ${name} to be ${expected}, got ${row![name]}`)
        }
        return database.url
      },
      stop: () => endings.run(),
    }
  } catch (error) {
    await endings.run()
    throw error
  }
}
