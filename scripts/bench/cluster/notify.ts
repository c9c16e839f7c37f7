import { Client } from 'pg'
import type { StartedSystem } from '../harness/system-module.ts'
import { newLetter } from '../trivial/letter.ts'
import { sharedNow } from './clock.ts'
import type { RoleOptions } from './protocol.ts'
import { adderSystem, workerSystem } from './roles.ts'

const table = `
  CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state text NOT NULL DEFAULT 'waiting',
    letter text NOT NULL
  );
  CREATE INDEX waiting_jobs ON jobs (id) WHERE state = 'waiting'`

/** The row and its notification are one statement, and so one transaction and one round trip. */
const insert = {
  name: 'insert',
  text: `WITH job AS (INSERT INTO jobs (letter) VALUES ($1) RETURNING id)
         SELECT id, pg_notify('jobs', '') FROM job`,
}
const claim = {
  name: 'claim',
  text: `UPDATE jobs SET state = 'running' WHERE id =
           (SELECT id FROM jobs WHERE state = 'waiting' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING id`,
}

/**
 * The least that PostgreSQL needs: a row with a notification, and a listener that claims the row, on one connection each.
 * Nothing else is recorded, and the function runs on the main thread. The listener is started first and makes the table.
 */
export async function start({ url, role }: RoleOptions): Promise<StartedSystem> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const close = (): Promise<void> => client.end()
  if (role === 'add') {
    const add = async (): Promise<string> => {
      const { rows } = await client.query<{ id: string }>({
        ...insert,
        values: [JSON.stringify(newLetter())],
      })
      return rows[0]!.id
    }
    return adderSystem({ add, close })
  }
  const begun = new Map<string, number>()
  client.on('notification', () => {
    void client.query<{ id: string }>(claim).then(({ rows }) => {
      for (const { id } of rows) begun.set(id, sharedNow())
    })
  })
  await client.query(table)
  await client.query('LISTEN jobs')
  return workerSystem({ open: async () => {}, begun: (id) => begun.get(id), close })
}
