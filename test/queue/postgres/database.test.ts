import { once } from 'node:events'
import { connect as dial, createServer, type AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { Database } from '../../../src/queue/postgres/database.ts'
import { Endings } from '../../support/endings.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { newTask, succeeded } from '../conformance/subject.ts'
import { connect, join } from './joined.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

test('postgres: a statement that PostgreSQL ends for a deadlock is carried out all the same', async (t) => {
  const url = await databases.create(t)
  const looking = await connect(t, url)
  // It looks for one only once, after so long.
  const { rows } = await looking.query<{ name: string }>('SELECT current_database() AS name')
  await looking.query(`ALTER DATABASE ${rows[0]!.name} SET deadlock_timeout = '4s'`)
  const one = await join(t, url)
  const tasks = [newTask(), newTask()]
  await one.add(...tasks)
  for (const task of tasks) await one.run(t, task)
  const [first, second] = tasks.map(({ id }) => id) as [string, string]

  const other = await connect(t, url)
  // So that it is not this one that finds it.
  await other.query(`SET deadlock_timeout = '1min'; BEGIN`)
  const lock = 'SELECT FROM afterwork.tasks WHERE id = $1 FOR UPDATE'
  await other.query(lock, [second])
  const recording = Promise.all([first, second].map((id) => one.engine.record(id, 1, succeeded())))
  const waits = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%settle_simple%'`
  while ((await looking.query(waits)).rowCount === 0) await wait(10)
  await other.query(lock, [first])
  await other.query('COMMIT')
  t.deepEqual(await recording, [true, true])
  t.deepEqual(await one.counters(), { succeeded: 2 })
  const deadlocks = 'SELECT FROM pg_stat_database WHERE datname = current_database() AND deadlocks = 1'
  while ((await looking.query(deadlocks)).rowCount === 0) await wait(50)
})

/** What a server says to a connection that it ends, and when it is ready for the next statement. */
const farewell = message('E', 'SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0')
const ready = message('Z', 'I')

function message(kind: string, content: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(4 + content.length)
  return Buffer.concat([Buffer.from(kind), length, Buffer.from(content)])
}

/** A way to a server that ends each connection together with its so-manieth answer, as long as it is told to. */
async function endingWay(t: ExecutionContext, url: string, ends: () => number): Promise<string> {
  const { hostname, port } = new URL(url)
  const server = createServer((client) => {
    const behind = dial(Number(port), hostname)
    client.pipe(behind)
    let answers = 0
    behind.on('data', (chunk) => {
      if (chunk.subarray(-ready.length).equals(ready) && ++answers === ends())
        client.end(Buffer.concat([chunk, farewell]))
      else client.write(chunk)
    })
    for (const [socket, peer] of [
      [client, behind],
      [behind, client],
    ] as const) {
      socket.on('error', () => {})
      socket.on('close', () => peer.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const through = new URL(url)
  through.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return through.href
}

for (const answer of [1, 2]) {
  test(`postgres: a connection that ends with its answer ${answer}, before anybody has it, ends nothing else`, async (t) => {
    let ends = 0
    const url = await endingWay(t, await databases.create(t), () => ends)
    const database = new Database(url, 2)
    t.teardown(() => database.close())
    await database.open()
    const statement = { name: '', text: 'SELECT 1 AS one' }
    let end = (): void => {}
    const over = new Promise<void>((resolve) => (end = resolve))
    // From now on the one connection that there is is in use.
    const first = database.transaction(async (run) => {
      await over
      return await run(statement, [])
    })
    ends = answer
    await t.throwsAsync(database.run(statement, []), { code: 'AFTERWORK_QUEUE_FAILED' })
    await t.throwsAsync(
      database.transaction((run) => run(statement, [])),
      { code: 'AFTERWORK_QUEUE_FAILED' },
    )
    ends = 0
    end()
    t.is((await first).length, 1)
    t.is((await database.run(statement, [])).length, 1)
  })
}
