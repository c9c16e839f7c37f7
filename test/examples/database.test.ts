import test, { type ExecutionContext } from 'ava'
import { createAfterwork, type TaskDocument } from 'afterwork'
import { transaction, teardown } from '../../examples/database/postgres.ts'
import { tasks, timeout } from '../../examples/database/tasks.ts'
import { Endings } from '../support/endings.ts'
import { EventLog } from '../support/events.ts'
import { post, send } from '../support/http.ts'
import { startPostgres, type Connection, type Database, type Postgres } from '../support/postgres.ts'
import { run } from './run.ts'

const endings = new Endings()
let postgres: Postgres

test.before(async () => {
  postgres = await startPostgres(endings)
})
test.after.always(() => endings.run())

const script = new URL('../../examples/database/schema.sql', import.meta.url)
const order = { customer: 'Ada', lines: [{ sku: 'tea', quantity: 2 }] }

/** A database with the tables of the example. */
function tables(t: ExecutionContext): Promise<Database> {
  return postgres.database(t, script)
}

/** The tasks of the example without its app, on one thread at a time, and all that happened to them. */
async function startTasks(t: ExecutionContext, DATABASE_URL: string) {
  const env = { ...process.env, DATABASE_URL }
  const pools = { database: { maxThreads: 1, concurrency: 4, env } }
  const afterwork = createAfterwork({ tasks, queue: 'memory:', logger: false, drain: 10_000, pools })
  const events = new EventLog(afterwork)
  t.teardown(() => afterwork.stop())
  await afterwork.start()
  const store = async (given = order) => (await afterwork.addTask(tasks.orders.store, given)).id
  return { afterwork, events, store }
}

function succeeded(events: EventLog, id: string) {
  return events.until('task.succeeded', (event) => event.id === id)
}

function stored(database: Database): Promise<{ customer: string; sku: string; quantity: number }[]> {
  return database.rows('SELECT customer, sku, quantity FROM orders JOIN order_lines USING (task_id)')
}

function waiting(connections: Connection[]): Connection[] {
  return connections.filter(({ waits }) => waits === 'Lock')
}

function isEmpty(connections: Connection[]): boolean {
  return connections.length === 0
}

test.serial('an order is accepted at once, and its rows are written afterwards', async (t) => {
  const database = await tables(t)
  const unlock = await database.hold('BEGIN; LOCK TABLE orders')
  const app = await run(t, 'database/app.ts', { DATABASE_URL: database.url })
  const answer = await post(`${app.url}/orders`, order)
  t.is(answer.status, 202)
  const { id } = answer.json as { id: string }
  await database.untilConnections((all) => waiting(all).length === 1)
  await unlock()
  await app.printed(/task completed/)
  t.like((await send(`${app.url}/tasks/${id}`)).json, { state: 'succeeded', result: { stored: 'now' } })
  t.deepEqual(await stored(database), [{ customer: 'Ada', sku: 'tea', quantity: 2 }])
  t.deepEqual(await database.rows('SELECT task_id FROM orders'), [{ task_id: id }])
  t.is((await post(`${app.url}/orders`, { customer: 'Ada' })).status, 422)

  await app.end('SIGTERM')
  await database.untilConnections(isEmpty)
  t.is((await database.sessions()).abandoned, 0, 'the connections said goodbye')
})

test.serial('an order that the database refuses fails at once, and nothing of it is stored', async (t) => {
  const database = await tables(t)
  const { afterwork, events, store } = await startTasks(t, database.url)
  const lines = [...order.lines, { sku: 'cup', quantity: 0 }]
  for (const [given, code] of [
    [{ ...order, lines }, '23514'],
    [{ ...order, customer: 'A\0da' }, '22021'],
  ] as const) {
    const id = await store(given)
    t.is(await events.ended(id), 'failed')
    t.like(await afterwork.records.get(id), { attempt: 1, error: { name: 'TaskError', code } })
  }
  t.deepEqual(await database.rows('SELECT * FROM orders'), [])
})

test.serial('a process that dies while its COMMIT is on the way: the order is there once', async (t) => {
  const database = await tables(t)
  await database.rows(`
    CREATE FUNCTION wait_at_commit() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION wait_at_commit()`)
  const unlock = await database.hold('SELECT pg_advisory_lock(1)')
  const env = { DATABASE_URL: database.url }
  const first = await run(t, 'database/app.ts', env)
  const { id } = (await post(`${first.url}/orders`, order)).json as { id: string }
  const [commit] = await database.untilConnections((all) => waiting(all).length === 1).then(waiting)
  t.is(commit!.query, 'COMMIT')
  await first.end('SIGKILL')
  await unlock()
  await database.untilConnections(isEmpty)
  t.is((await stored(database)).length, 1, 'committed, though nobody heard of it')

  const second = await run(t, 'database/app.ts', env, first.folder)
  await second.printed(/task completed/)
  const task = (await send(`${second.url}/tasks/${id}`)).json as TaskDocument
  t.like(task, { state: 'succeeded', attempt: 2, result: { stored: 'before' } })
  t.is((await stored(database)).length, 1)
})

test.serial('a task that is cancelled ends its query, and leaves its thread to the others', async (t) => {
  const database = await tables(t)
  const { afterwork, events, store } = await startTasks(t, database.url)
  const { thread } = await succeeded(events, await store())
  const unlock = await database.hold('BEGIN; LOCK TABLE orders')
  // As many as a thread takes: all connections but the last are busy.
  const ids = await Promise.all([store(), store(), store(), store()])
  await database.untilConnections((all) => waiting(all).length === ids.length)
  await Promise.all(ids.map((id) => afterwork.cancel(id)))
  await database.untilConnections((all) => waiting(all).length === 0)
  await unlock()
  t.is((await succeeded(events, await store())).thread, thread)
  for (const id of ids) t.like(await afterwork.records.get(id), { state: 'cancelled' })
  t.is((await stored(database)).length, 2)
  t.deepEqual(events.of('afterwork.error'), [])
})

test.serial('a statement that nobody is left to cancel ends when its task would have', async (t) => {
  const database = await tables(t)
  process.env['DATABASE_URL'] = database.url
  t.teardown(teardown)
  const settings = await transaction(async (client) => {
    const { rows } = await client.query(
      `SELECT name, setting::integer FROM pg_settings
        WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout') ORDER BY name`,
    )
    return rows as unknown
  })
  t.deepEqual(settings, [
    { name: 'idle_in_transaction_session_timeout', setting: timeout },
    { name: 'statement_timeout', setting: timeout },
  ])
})

test.serial('threads that go take their connections with them: resize, recycle, stop', async (t) => {
  const database = await tables(t)
  const { afterwork, events, store } = await startTasks(t, database.url)
  const connected = async () => {
    await events.ended(await store())
    return (await database.connections()).map(({ pid }) => pid)
  }
  for (const end of ['resize', 'recycle', 'stop'] as const) {
    const old = await connected()
    t.is(old.length, 1)
    if (end === 'resize') await afterwork.resizePool('database', { maxThreads: 2 })
    else await afterwork[end]()
    await database.untilConnections((all) => all.every(({ pid }) => !old.includes(pid)))
  }
  await database.untilConnections(isEmpty)
  t.is((await database.sessions()).abandoned, 0, 'the connections said goodbye')
})

test.serial('tasks wait for a database that was killed, and go on when it is back', async (t) => {
  const database = await tables(t)
  const { events, store } = await startTasks(t, database.url)
  const retried = async (id: string) => {
    const { failure } = await events.until('task.retried', (event) => event.id === id)
    t.not(failure.code, 'AFTERWORK_THREW_LATE')
    return failure
  }
  const lock = 'BEGIN; LOCK TABLE orders'
  const unlock = await database.hold(lock)
  const before = await Promise.all([store(), store(), store()])
  await database.untilConnections((all) => waiting(all).length === 3)
  await unlock()
  const [first] = await Promise.all(before.map((id) => succeeded(events, id)))

  await database.hold(lock)
  const ids = await Promise.all([store(), store()])
  await database.untilConnections((all) => waiting(all).length === 2)
  await postgres.kill()
  for (const id of ids) await retried(id)
  // Nobody is there now; before, an idle connection was.
  ids.push(await store())
  t.is((await retried(ids.at(-1)!)).code, 'ECONNREFUSED')
  await postgres.start()
  for (const id of ids) t.is((await succeeded(events, id)).thread, first!.thread)
  await database.reconnect()
  t.is((await stored(database)).length, 6)
  t.deepEqual(events.of('afterwork.error'), [])
})

test.serial('a login that is refused pauses the pool, and no task is lost', async (t) => {
  const database = await tables(t)
  await database.rows(`CREATE ROLE clerk LOGIN PASSWORD 'new'; GRANT ALL ON orders, order_lines TO clerk`)
  const url = new URL(database.url)
  url.username = 'clerk'
  const { afterwork, events, store } = await startTasks(t, url.href)
  const paused = new Promise((resolve) => afterwork.once('pool.paused', resolve))
  const id = await store()
  t.like(await paused, { pool: 'database', failure: { name: 'TaskError', code: '28P01' } })
  await database.rows(`ALTER ROLE clerk PASSWORD '${decodeURIComponent(url.password)}'`)
  await afterwork.resumePool('database')
  t.is(await events.ended(id), 'succeeded')
})
