import { setTimeout as wait } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { Endings } from '../../support/endings.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { cancelled, failed, failure, newTask, retried, succeeded } from '../conformance/subject.ts'
import { connect, join, name, type Joined } from './joined.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

/** Two processes that share a queue. */
async function two(t: ExecutionContext): Promise<[Joined, Joined, string]> {
  const url = await databases.create(t)
  return [await join(t, url), await join(t, url), url]
}

test.serial(
  'a task that runs in another process is asked to stop there, and goes on until it heeds it',
  async (t) => {
    const [a, b] = await two(t)
    const task = newTask()
    await a.add(task)
    await a.run(t, task)
    // By then all know it.
    await a.counters()
    t.like(await b.engine.cancel(task.id, Date.now()), { id: task.id, state: 'running', attempt: 1 })
    await a.until(() => a.told.cancel.length > 0)
    t.deepEqual(a.told.cancel[0], { id: task.id, attempt: 1 })
    t.like(await b.engine.get(task.id), { state: 'running' })
    t.true(await a.engine.record(task.id, 1, cancelled()))
    t.like(await b.engine.get(task.id), { state: 'cancelled', attempt: 1 })
    await t.throwsAsync(b.engine.cancel(task.id, Date.now()), { code: 'AFTERWORK_CONFLICT' })
  },
)

test.serial('a task that another process has claimed is cancelled there before it starts', async (t) => {
  const [a, b] = await two(t)
  const [task, other] = [newTask(), newTask()]
  await a.add(task, other)
  t.deepEqual(await a.claim(), [task.id, other.id])
  await a.start(other)
  t.like(await b.engine.cancel(task.id, Date.now()), { state: 'queued', attempt: 0 })
  await a.until(() => a.told.cancelled.length > 0)
  t.like(a.told.cancelled, [{ id: task.id, error: { code: 'AFTERWORK_CANCELLED' } }])
  t.deepEqual(await a.engine.start([task.id], Date.now()), [])
  t.like(await b.engine.get(task.id), { state: 'cancelled', attempt: 0, startedAt: null })
  t.deepEqual(await a.counters(), { cancelled: 1, running: 1 })
})

test.serial(
  'a task that goes back, or to its next attempt, before its process hears of the cancel is not started again',
  async (t) => {
    const [a, b, url] = await two(t)
    const [claimed, running] = [newTask(), newTask()]
    await a.add(claimed, running)
    t.deepEqual(await a.claim(), [claimed.id, running.id])
    await a.start(running)
    // Nobody hears of anything from now on.
    await silence(t, url)
    await b.engine.cancel(claimed.id, Date.now())
    await b.engine.cancel(running.id, Date.now())
    await a.engine.giveBack([claimed.id])
    await a.engine.record(running.id, 1, retried(Date.now() - 1))
    while (a.told.cancelled.length + b.told.cancelled.length < 2) {
      t.deepEqual(await b.claim(), [])
      await wait(10)
    }
    t.like(await a.engine.get(claimed.id), { state: 'cancelled', attempt: 0 })
    t.like(await a.engine.get(running.id), { state: 'cancelled', attempt: 1 })
    t.deepEqual(await a.counters(), { cancelled: 2 })
  },
)

test.serial(
  'what failed in one process is retried from another, and runs in either; and is forgotten by all',
  async (t) => {
    const [a, b] = await two(t)
    const task = newTask()
    await a.add(task)
    await a.end(t, task, failed())
    t.like(await b.engine.retry(task.id), { id: task.id, state: 'queued', attempt: 1 })
    const again = await a.next()
    t.like(again, { id: task.id, attempt: 2 })
    await a.start(again)
    await t.throwsAsync(b.engine.purge(task.id), { code: 'AFTERWORK_CONFLICT' })
    t.true(await a.engine.record(task.id, 2, succeeded()))
    await b.engine.purge(task.id)
    t.is(await a.engine.get(task.id), undefined)
    t.deepEqual(await a.counters(), {})
  },
)

test.serial(
  'a pause holds for all processes, and tells them why; what one resumes goes on in the others',
  async (t) => {
    const [a, b, url] = await two(t)
    const task = newTask()
    await a.engine.pause('cpu', failure)
    t.deepEqual(await b.poolNews(1), [{ pool: 'cpu', paused: true, failure }])
    await a.add(task)
    t.deepEqual(await b.claim(), [])
    const later = await join(t, url)
    t.deepEqual([...later.engine.paused()], ['cpu'])
    t.deepEqual(later.pools, [], 'what was so before it came is no news')
    await later.engine.pause('cpu')
    t.deepEqual((await b.poolNews(2))[1], { pool: 'cpu', paused: true, failure: null })
    await a.poolNews(1)
    await a.engine.resume('cpu')
    t.is((await b.next()).id, task.id)
    t.deepEqual((await b.poolNews(3))[2], { pool: 'cpu', paused: false })
    t.deepEqual((await later.poolNews(1))[0], { pool: 'cpu', paused: false })
    t.deepEqual(a.pools, [{ pool: 'cpu', paused: true, failure: null }], 'of its own doing nobody is told')
  },
)

test.serial(
  'sizes that one process sets are those of all, key by key, and of those that start later',
  async (t) => {
    const [a, b, url] = await two(t)
    await a.engine.resize('cpu', { maxThreads: 3 })
    t.deepEqual(await b.poolNews(1), [{ pool: 'cpu', maxThreads: 3 }])
    await b.engine.resize('cpu', { maxThreads: 5, concurrency: 2 })
    t.deepEqual(await a.poolNews(1), [{ pool: 'cpu', maxThreads: 5, concurrency: 2 }])
    await Promise.all([a.engine.resize('cpu', { minThreads: 2 }), b.engine.pause('cpu')])
    const both = { maxThreads: 5, concurrency: 2, minThreads: 2 }
    while (!b.pools.some(({ minThreads }) => minThreads === 2)) await b.poolNews(b.pools.length + 1)
    t.deepEqual([...b.engine.sizes()], [['cpu', both]])
    t.deepEqual([...(await join(t, url)).engine.sizes()], [['cpu', both]])
    t.true(
      a.pools.every((news) => !('minThreads' in news)),
      'of its own doing nobody is told',
    )
  },
)

test.serial('sizes that make no sense change nothing', async (t) => {
  const url = await databases.create(t)
  const client = await connect(t, url)
  await client.query(`INSERT INTO afterwork.pools (pool, sizes) VALUES ('a', '{'), ('b', '{"maxThreads": "many"}'),
    ('c', '{"maxThreads": 1, "minThreads": 4}'), ('d', '[]'), ('e', '{"threads": 1}')`)
  const { engine } = await join(t, url)
  t.deepEqual(Object.fromEntries(engine.sizes()), {
    a: {},
    b: {},
    c: { maxThreads: 1, minThreads: 4 },
    d: {},
    e: {},
  })
})

test.serial('a task of a name that a process does not know is left to those that do', async (t) => {
  const url = await databases.create(t)
  const old = await join(t, url)
  const task = newTask({ name: 'files.archive' })
  const known = newTask({ options: { priority: -1 } })
  await old.add(task, known)
  t.deepEqual(await old.claim(), [known.id])
  const young = await join(t, url, { names: new Set([name, 'files.archive']) })
  t.is((await young.next()).id, task.id)
  t.deepEqual([...old.errors, ...young.errors], [])
})

test.serial(
  'a name that nobody knows is told of once, waits, and runs when a process comes that knows it',
  async (t) => {
    const url = await databases.create(t)
    const a = await join(t, url)
    const [task, second] = [newTask({ name: 'files.archive' }), newTask({ name: 'files.archive' })]
    await a.add(task, second)
    const b = await join(t, url)
    t.like(await b.error(), {
      code: 'AFTERWORK_UNKNOWN_TASK',
      message: 'Tasks named files.archive wait, and no process that works on their pool knows that name',
    })
    t.deepEqual(await b.claim(), [])
    const young = await join(t, url, { names: new Set(['files.archive']) })
    t.deepEqual(young.errors, [])
    t.deepEqual(await young.claim(), [task.id, second.id])
    t.is(b.errors.length, 1)
  },
)

test.serial('who only takes requests may know a name that those who work on its pool do not', async (t) => {
  const url = await databases.create(t)
  const web = await join(t, url, { names: new Set(['files.archive']), pools: [] })
  await web.add(newTask({ name: 'files.archive' }))
  const another = await join(t, url, { names: new Set(['files.archive']), pools: [] })
  t.deepEqual(another.errors, [], 'its processes may not have started yet')
  const old = await join(t, url)
  t.like(await old.error(), { code: 'AFTERWORK_UNKNOWN_TASK' })
})

test.serial('without any news all goes on, for everybody looks', async (t) => {
  const [a, b, url] = await two(t)
  await silence(t, url)
  const [first, due] = [newTask(), newTask({ options: { delay: 10 } })]
  await a.add(first)
  await b.run(t, first)
  await a.engine.cancel(first.id, Date.now())
  await b.until(() => b.told.cancel.length > 0)
  t.true(await b.engine.record(first.id, 1, cancelled()))
  await a.add(due)
  t.is((await b.next()).id, due.id)

  // A lane that nobody has told of.
  const inMail = newTask({ options: { pool: 'mail' } })
  await a.add(inMail)
  t.is((await b.next('mail')).id, inMail.id)

  await a.engine.pause('cpu', failure)
  await a.engine.resize('cpu', { maxThreads: 7 })
  await b.poolNews(2)
  t.deepEqual([...b.engine.paused()], ['cpu'])
  t.deepEqual([...b.engine.sizes()], [['cpu', { maxThreads: 7 }]])
  const waiting = newTask()
  await a.add(waiting)
  await a.engine.resume('cpu')
  t.is((await b.next()).id, waiting.id)
})

test.serial('a connection for news that is cut again and again stops nothing', async (t) => {
  const [a, b, url] = await two(t)
  const client = await connect(t, url)
  const cut = new Set<number>()
  let over = false
  const cutting = (async () => {
    while (!over) {
      const { rows } = await client.query<{
        pid: number
      }>(`SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'afterwork listen'`)
      for (const { pid } of rows) cut.add(pid)
    }
  })()
  for (let round = 0; round < 3; round++) {
    const task = newTask({ options: { delay: round } })
    await a.add(task)
    await b.run(t, task)
    await a.engine.cancel(task.id, Date.now())
    await b.until(() => b.told.cancel.some(({ id }) => id === task.id))
    t.true(await b.engine.record(task.id, 1, cancelled()))
  }
  over = true
  await cutting
  t.true(cut.size > 2, `${cut.size} connections were cut`)
  t.deepEqual([...a.errors, ...b.errors], [])
  t.deepEqual(await a.counters(), { cancelled: 3 })
})

/** Whatever is said from now on, nobody hears it. */
async function silence(t: ExecutionContext, url: string): Promise<void> {
  const client = await connect(t, url)
  await client.query(`CREATE OR REPLACE FUNCTION afterwork.tell(p_what text) RETURNS void
    LANGUAGE plpgsql AS 'BEGIN END'`)
}
