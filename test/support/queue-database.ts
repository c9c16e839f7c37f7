import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { PostgresQueue } from '../../src/queue/postgres/engine.ts'
import type { Ending } from './endings.ts'
import { startPostgres } from './postgres.ts'

/** Databases for queues, on a server of the test file's own or that of TEST_POSTGRES_URL. */
export interface QueueDatabases {
  /** The URL of a new database with an empty queue; it is dropped when the test ends. */
  create(ending: Ending): Promise<string>
}

/** Starts a server, unless TEST_POSTGRES_URL names one, whose user may create databases. */
export async function queueDatabases(ending: Ending): Promise<QueueDatabases> {
  const server = process.env['TEST_POSTGRES_URL'] ?? (await startPostgres(ending)).url('postgres')
  const prefix = `afterwork_test_${randomBytes(4).toString('hex')}`
  const template = `${prefix}_template`
  const admin = new pg.Pool({ connectionString: server, max: 2 })
  admin.on('error', () => {})
  await admin.query(`CREATE DATABASE ${template}`)
  const queue = new PostgresQueue(at(server, template), { maxTasks: 1, maxBytes: 1 }, { tasks: 1 })
  await queue.open()
  await queue.close()
  ending.teardown(async () => {
    await admin.query(`DROP DATABASE IF EXISTS ${template}`).catch(() => {})
    await admin.end()
  })
  let count = 0
  let creating: Promise<unknown> = Promise.resolve()
  return {
    create: async (user) => {
      const name = `${prefix}_${++count}`
      // A template can be copied by one at a time.
      const created = creating.then(() => admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`))
      creating = created.catch(() => {})
      await created
      user.teardown(
        async () => void (await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).catch(() => {})),
      )
      return at(server, name)
    },
  }
}

function at(server: string, database: string): string {
  const url = new URL(server)
  url.pathname = `/${database}`
  return url.href
}
