import test from 'ava'
import pg from 'pg'
import { PostgresQueue } from '../../../src/queue/postgres/engine.ts'
import { Endings } from '../../support/endings.ts'
import { startPostgres, type Postgres } from '../../support/postgres.ts'
import { cancelled, failed, hour, ids, newGroup, newTask, retried } from '../conformance/subject.ts'
import { connect, join } from './joined.ts'

const endings = new Endings()
let server: Postgres
/** As small as it may be: 512 kB. */
test.before(async () => {
  server = await startPostgres(endings)
  const admin = new pg.Client({ connectionString: server.url('postgres') })
  await admin.connect()
  await admin.query('ALTER SYSTEM SET max_notify_queue_pages = 64')
  await admin.end()
  await server.stop()
  await server.start()
})
test.after.always(() => endings.run())

/** A listener that reads nothing, and as much news as the server has room for. */
async function fill(t: Parameters<typeof connect>[0], url: string): Promise<pg.Client> {
  const deaf = await connect(t, url)
  await deaf.query('LISTEN other')
  await deaf.query('BEGIN; SELECT 1')
  const loud = await connect(t, url)
  for (let length = 7_900; length > 10;) {
    try {
      await loud.query(`SELECT pg_notify('other', repeat('x', $1))`, [length])
    } catch (error) {
      if ((error as { code: string }).code !== '54000') throw error
      length >>= 1
    }
  }
  return loud
}

test('postgres: where the server has no room for news all is stored, and found by looking', async (t) => {
  const url = server.url('postgres')
  const [one, other] = [await join(t, url), await join(t, url)]
  const loud = await fill(t, url)
  await t.throwsAsync(loud.query(`SELECT pg_notify('other', 'more')`), { code: '54000' })

  // Tasks.
  const simple = newTask()
  await one.add(simple)
  await other.end(t, simple)
  const held = newTask()
  await one.hold(held)
  await one.engine.release([held.id])
  await other.end(t, held)
  const group = newGroup({}, {})
  await one.hold(...group)
  await one.engine.release(ids(group))
  await other.end(t, group[0]!)
  await one.end(t, group[1]!, failed())
  t.like(await one.engine.retry(group[1]!.id), { state: 'queued' })
  await other.run(t, group[1]!)
  await one.engine.cancel(group[1]!.id, Date.now())
  await other.until(() => other.told.cancel.length > 0)
  t.true(await other.engine.record(group[1]!.id, 2, cancelled()))

  // Times.
  const soon = newTask({ options: { delay: 100 } })
  await one.add(soon)
  const claimed = await other.run(t, soon)
  t.true(await other.engine.record(soon.id, claimed.attempt, retried(Date.now() + 100)))
  await one.end(t, soon, undefined, [newTask()])
  t.is((await other.next()).attempt, 1)
  const back = await other.engine.claim('cpu', 1)
  t.deepEqual(back, [])

  // A transaction of a user's own.
  const own = newTask()
  const later = newTask({ options: { delay: hour } })
  const client = await connect(t, url)
  await client.query('BEGIN')
  for (const task of [own, later]) await one.engine.addWithin(task, client)
  await client.query('COMMIT')
  await other.end(t, own)
  t.is(await other.state(later), 'scheduled')
  await one.engine.cancel(later.id, Date.now())

  // Pools.
  await one.engine.pause('mail')
  await one.engine.resize('cpu', { maxThreads: 3 })
  await one.engine.resume('mail')
  await one.engine.pause('cpu')
  const news = await other.poolNews(2)
  t.true(news.some(({ pool, maxThreads }) => pool === 'cpu' && maxThreads === 3))
  t.true(news.some(({ pool, paused }) => pool === 'cpu' && paused === true))

  // Processes that come and go.
  const third = new PostgresQueue(url, { maxTasks: 10, maxBytes: 1_000 }, { tasks: 10 })
  await third.open({ names: new Set(['files.new']), pools: ['mail'], files: true })
  const first = newTask({ name: 'files.new', options: { pool: 'mail' } })
  await third.add([first], { held: true })
  await third.close()
  t.is(await one.state(first), 'queued')
  t.deepEqual([...one.errors, ...other.errors], [])
  // It was full all the time.
  await t.throwsAsync(loud.query(`SELECT pg_notify('other', 'more')`), { code: '54000' })
})
