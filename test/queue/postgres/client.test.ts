import { setTimeout as wait } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { createAfterwork, type Afterwork, type AfterworkOptions } from 'afterwork'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { fromDrizzle } from 'pg-boss'
import { quick } from '../../support/app.ts'
import { Endings } from '../../support/endings.ts'
import { EventLog } from '../../support/events.ts'
import { startGate } from '../../support/gate.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { tasks } from '../../support/tasks.ts'

const { steps } = tasks
const endings = new Endings()
let databases: QueueDatabases

test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

/** Background tasks on a new database. */
async function start(t: ExecutionContext, options: Partial<AfterworkOptions> = {}) {
  const url = await databases.create(t)
  const afterwork = createAfterwork({ ...quick, queue: url, ...options })
  const events = new EventLog(afterwork)
  t.teardown(() => afterwork.stop())
  await afterwork.start()
  return { url, afterwork, events }
}

/** A connection of the user's own. */
async function connect(t: ExecutionContext, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  // The database goes before it does.
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => client.end())
  return client
}

async function begin(t: ExecutionContext, url: string, isolation = 'READ COMMITTED'): Promise<pg.Client> {
  const client = await connect(t, url)
  await client.query(`BEGIN ISOLATION LEVEL ${isolation}`)
  return client
}

/** A task that was added after others, and has ended: they would have begun. */
async function passBy(afterwork: Afterwork, events: EventLog): Promise<void> {
  const { id } = await afterwork.addTask(steps.echo)
  await events.ended(id)
}

test.serial('a task exists from the COMMIT of its transaction on, and starts no sooner', async (t) => {
  const { url, afterwork, events } = await start(t)
  const client = await begin(t, url)
  await client.query('CREATE TABLE orders (id integer)')
  await client.query('INSERT INTO orders VALUES (7)')
  const { id, name } = await afterwork.addTask(steps.echo.with({ client }), 7)
  t.is(name, 'steps.echo')
  await passBy(afterwork, events)
  t.is(await afterwork.records.get(id), undefined)
  t.like(await afterwork.records.counters(), { queued: 0, succeeded: 1 })
  await client.query('COMMIT')
  t.is(await events.ended(id), 'succeeded')
  t.like(await afterwork.records.get(id), { result: '[7]', attempt: 1, group: id })
  t.like(await afterwork.records.counters(), { queued: 0, scheduled: 0, running: 0, succeeded: 2 })
  t.false(events.life(id).includes('task.added'), 'it might have been rolled back')
})

test.serial('a task that is rolled back has never been', async (t) => {
  const { url, afterwork, events } = await start(t)
  const client = await begin(t, url)
  const { id } = await afterwork.addTask(steps.echo.with({ client, unique: 'the order' }))
  const late = await afterwork.addTask(steps.echo.with({ client, delay: '1h' }))
  await client.query('ROLLBACK')
  await passBy(afterwork, events)
  for (const gone of [id, late.id]) t.is(await afterwork.records.get(gone), undefined)
  t.like(await afterwork.records.counters(), { queued: 0, scheduled: 0, succeeded: 1 })
  t.deepEqual(events.life(id), [])
})

test.serial(
  'the options of a task hold in a transaction, and each task of it is a group of its own',
  async (t) => {
    const { url, afterwork, events } = await start(t)
    const client = await begin(t, url)
    const add = (options: object) => afterwork.addTask(steps.echo.with({ client, ...options }))
    const first = await add({ delay: '1h' })
    const second = await add({ priority: 7 })
    const third = await add({ runAt: new Date('2999-01-01') })
    await client.query('COMMIT')
    t.is(await events.ended(second.id), 'succeeded', 'nobody waits for the first')
    t.like(await afterwork.records.get(second.id), { priority: 7, group: second.id })
    const delayed = (await afterwork.records.get(first.id))!
    t.is(delayed.state, 'scheduled')
    t.true(Math.abs(delayed.runAt! - delayed.addedAt - 3_600_000) < 1_000)
    t.like(await afterwork.records.get(third.id), { state: 'scheduled', runAt: Date.parse('2999-01-01') })
    t.like(await afterwork.records.counters(), { queued: 0, scheduled: 2, succeeded: 1 })
  },
)

test.serial('a delay that is over when the transaction commits keeps the task from nothing', async (t) => {
  const { url, afterwork, events } = await start(t)
  const client = await begin(t, url)
  const { id } = await afterwork.addTask(steps.echo.with({ client, delay: 1 }))
  await passBy(afterwork, events)
  await client.query('COMMIT')
  t.is(await events.ended(id), 'succeeded')
})

test.serial('the live task with a unique key is given, and is not held up by the transaction', async (t) => {
  const { url, afterwork, events } = await start(t)
  const gate = await startGate(t)
  const live = await afterwork.addTask(steps.pass.with({ unique: 'report' }), gate.url('door'))
  await gate.arrival('door')
  const client = await begin(t, url)
  const other = await afterwork.addTask(steps.pass.with({ client, unique: 'report' }), gate.url('door'))

  await gate.pass('door')
  t.is(await events.ended(live.id), 'succeeded')
  await client.query('COMMIT')
  t.like(await afterwork.records.get(other.id), { id: live.id, state: 'succeeded' })
})

for (const [end, lives] of [
  ['COMMIT', 'the one of the transaction'],
  ['ROLLBACK', 'one of those that waited'],
] as const) {
  test.serial(
    `whoever adds a key of an open transaction waits for its ${end}, and keeps nobody`,
    async (t) => {
      const { url, afterwork, events } = await start(t, { commitTimeout: '60s' })
      const client = await begin(t, url)
      const own = await afterwork.addTask(steps.echo.with({ client, unique: 'k', delay: '1h' }))
      let settled = 0
      const asked = Array.from({ length: 20 }, () =>
        afterwork.addTask(steps.echo.with({ unique: 'k', delay: '1h' })).finally(() => settled++),
      )
      // More than there are connections, all of which would wait.
      for (let round = 0; round < 5; round++) await passBy(afterwork, events)
      t.is(settled, 0)
      await client.query(end)
      const records = await Promise.all(asked.map(async (added) => afterwork.records.get((await added).id)))
      const ids = new Set(records.map((record) => record!.id))
      t.is(ids.size, 1, lives)
      t.is(ids.has(own.id), end === 'COMMIT')
      t.like(await afterwork.records.counters(), { scheduled: 1 })
    },
  )
}

test.serial(
  'a transaction waits for another one that adds the same key, and gets what that added',
  async (t) => {
    const { url, afterwork } = await start(t)
    const [first, second] = [await begin(t, url), await begin(t, url)]
    const living = await afterwork.addTask(steps.echo.with({ client: first, unique: 'k', delay: '1h' }))
    const waiting = afterwork.addTask(steps.echo.with({ client: second, unique: 'k' }))
    const observer = await connect(t, url)
    for (let waits = 0; waits === 0;) {
      const { rowCount } = await observer.query('SELECT FROM pg_locks WHERE NOT granted')
      waits = rowCount!
    }
    await first.query('COMMIT')
    const { id } = await waiting
    await second.query('COMMIT')
    t.like(await afterwork.records.get(id), { id: living.id })
  },
)

test.serial('an open transaction locks nothing that others wait for', async (t) => {
  const { url, afterwork, events } = await start(t)
  const client = await begin(t, url)
  // A lane of its own, which is made outside the transaction.
  const { id } = await afterwork.addTask(steps.place.with({ client, pool: 'mail' }))
  await afterwork.addTask(steps.echo.with({ client, unique: 'k' }))
  const failing = await afterwork.addTask(steps.fail, 'no')
  t.is(await events.ended(failing.id), 'failed')
  await afterwork.retry(failing.id)
  const waits = await afterwork.addTask(steps.place.with({ pool: 'mail' }))
  t.is(await events.ended(waits.id), 'succeeded')
  const cancelled = await afterwork.addTask(steps.echo.with({ delay: '1h' }))
  t.like(await afterwork.cancel(cancelled.id), { state: 'cancelled' })
  await afterwork.purge(cancelled.id)
  await client.query('COMMIT')
  t.is(await events.ended(id), 'succeeded')
})

for (const isolation of ['REPEATABLE READ', 'SERIALIZABLE']) {
  test.serial(`a transaction that is ${isolation} may be older than what it needs`, async (t) => {
    const { url, afterwork, events } = await start(t)
    await passBy(afterwork, events)
    const client = await begin(t, url, isolation)
    await client.query('SELECT FROM afterwork.tasks')
    // As pg-boss does every few seconds.
    const other = await connect(t, url)
    await other.query('UPDATE afterwork_boss.queue SET monitor_on = now()')
    const known = await afterwork.addTask(steps.echo.with({ client }), 1)
    const unknown = await afterwork.addTask(steps.place.with({ client, pool: 'mail' }))
    const delayed = await afterwork.addTask(steps.echo.with({ client, delay: '1h' }))
    await client.query('COMMIT')
    for (const { id } of [known, unknown]) t.is(await events.ended(id), 'succeeded')
    t.like(await afterwork.records.get(delayed.id), { state: 'scheduled' })
    t.like(await afterwork.records.counters(), { queued: 0, scheduled: 1, succeeded: 3 })
  })
}

test.serial('a conflict of transactions reaches who added, as the server said it', async (t) => {
  const { url, afterwork } = await start(t)
  const client = await begin(t, url, 'REPEATABLE READ')
  await client.query('SELECT FROM afterwork.tasks')
  await afterwork.addTask(steps.echo.with({ unique: 'k', delay: '1h' }))
  await t.throwsAsync(afterwork.addTask(steps.echo.with({ client, unique: 'k' })), { code: '40001' })
})

test.serial('bounds hold within a transaction, which may go on without the task', async (t) => {
  const { url, afterwork, events } = await start(t, { maxQueued: 2 })
  const client = await begin(t, url)
  const ids: string[] = []
  for (let n = 0; n < 2; n++) ids.push((await afterwork.addTask(steps.echo.with({ client }))).id)
  await t.throwsAsync(afterwork.addTask(steps.echo.with({ client })), {
    code: 'AFTERWORK_QUEUE_FULL',
    message: /it holds 2 of 2 tasks/,
  })
  await client.query('COMMIT')
  for (const id of ids) t.is(await events.ended(id), 'succeeded')
})

test.serial(
  'a connection without a transaction, or to another database, is refused, and stores nothing',
  async (t) => {
    const { url, afterwork } = await start(t)
    const client = await connect(t, url)
    const add = (connection: pg.Client) => afterwork.addTask(steps.echo.with({ client: connection }))
    await t.throwsAsync(add(client), {
      code: 'AFTERWORK_BAD_OPTION',
      message: /^steps\.echo\.with\(\)\.client: Expected .*open transaction.*BEGIN first$/,
    })
    const another = {
      code: 'AFTERWORK_BAD_OPTION',
      message:
        'steps.echo.with().client: Expected a connection to the database of the queue, got one to another',
    }
    // It has tables of the same names, and is a copy of the same template.
    await t.throwsAsync(add(await begin(t, await databases.create(t))), another)
    const postgres = new URL(url)
    postgres.pathname = '/postgres'
    await t.throwsAsync(add(await begin(t, postgres.href)), another)
    t.like(await afterwork.records.counters(), { queued: 0, scheduled: 0 })
  },
)

test.serial('what is wrong with the connection reaches who added', async (t) => {
  const { url, afterwork } = await start(t)
  const client = await begin(t, url)
  await t.throwsAsync(client.query('SELECT 1 / 0'))
  await t.throwsAsync(afterwork.addTask(steps.echo.with({ client })), { code: '25P02' })
  await client.query('ROLLBACK')
  await client.end()
  await t.throwsAsync(afterwork.addTask(steps.echo.with({ client })), { message: /closed|not queryable/i })
})

test.serial('a process that dies with its transaction open has added nothing', async (t) => {
  const { url, afterwork, events } = await start(t)
  const client = await begin(t, url)
  const { id } = await afterwork.addTask(steps.echo.with({ client, unique: 'k' }))
  const other = await connect(t, url)
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  await other.query('SELECT pg_terminate_backend($1)', [rows[0]!.pid])
  const next = await afterwork.addTask(steps.echo.with({ unique: 'k' }))
  t.is(await events.ended(next.id), 'succeeded')
  t.is(await afterwork.records.get(id), undefined)
})

test.serial('the transaction of an ORM is one, through the adapters of pg-boss', async (t) => {
  const { url, afterwork, events } = await start(t)
  const db = drizzle({ client: await connect(t, url) })
  const args = ['€ $1 ? :a', { nested: "it's" }]
  const add = async (fail: boolean) => {
    let id = ''
    await db.transaction(async (tx) => {
      const client = fromDrizzle(tx, sql)
      id = (await afterwork.addTask(steps.echo.with({ client, unique: 'k $2' }), ...args)).id
      if (fail) tx.rollback()
    })
    return id
  }
  await t.throwsAsync(add(true), { message: /Rollback/ })
  const id = await add(false)
  t.is(await events.ended(id), 'succeeded')
  t.is((await afterwork.records.get(id))!.result, JSON.stringify(args))
  t.like(await afterwork.records.counters(), { queued: 0, succeeded: 1 })
  await t.throwsAsync(afterwork.addTask(steps.echo.with({ client: fromDrizzle(db, sql) })), {
    code: 'AFTERWORK_BAD_OPTION',
    message: /BEGIN first/,
  })
})

test.serial('many transactions at once lose nothing, and nothing that was rolled back runs', async (t) => {
  const { url, afterwork, events } = await start(t)
  const kept: string[] = []
  const lost: string[] = []
  const work = async (worker: number) => {
    const client = await connect(t, url)
    for (let n = 0; n < 20; n++) {
      await client.query('BEGIN')
      const { id } = await afterwork.addTask(steps.echo.with({ client }), worker, n)
      if (n % 3 === 0) await wait(1)
      const fails = (worker + n) % 4 === 0
      await client.query(fails ? 'ROLLBACK' : 'COMMIT')
      ;(fails ? lost : kept).push(id)
    }
  }
  await Promise.all([0, 1, 2, 3, 4].map(work))
  for (const id of kept) t.is(await events.ended(id), 'succeeded')
  for (const id of lost) t.is(await afterwork.records.get(id), undefined)
  t.like(await afterwork.records.counters(), { queued: 0, running: 0, succeeded: kept.length })
})
