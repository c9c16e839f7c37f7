import { hostname } from 'node:os'
import test from 'ava'
import { toFailure } from '../../../src/core/failure.ts'
import { PostgresQueue } from '../../../src/queue/postgres/engine.ts'
import type { Settlement } from '../../../src/queue/queue.ts'
import { App } from '../../runtime/app.ts'
import { listen } from '../../support/app.ts'
import { Endings } from '../../support/endings.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { send } from '../../support/http.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import {
  cancelled,
  failed,
  interrupted,
  newGroup,
  newTask,
  retried,
  succeeded,
} from '../conformance/subject.ts'
import { connect, join, type Joined } from './joined.ts'
import { tasks } from './tasks.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

const here = { host: hostname(), pid: process.pid }
const error = { name: 'RangeError', message: 'too far' }

/** The attempts of a task that are remembered, without their times. */
async function attemptsOf({ engine }: Joined, { id }: { id: string }) {
  const attempts = await engine.attempts(id)
  return attempts.map(({ startedAt: _startedAt, endedAt: _endedAt, ...attempt }) => attempt)
}

test('each attempt that did not end well is remembered with its process, its times and its error', async (t) => {
  const queue = await join(t, await databases.create(t))
  const task = newTask()
  await queue.add(task)
  t.deepEqual(await queue.engine.attempts(task.id), [])
  const before = Date.now()
  await queue.end(t, task, retried(0))
  await queue.end(t, task, interrupted())
  await queue.end(t, task, failed())
  await queue.engine.retry(task.id)
  await queue.end(t, task, cancelled())
  await queue.engine.retry(task.id)
  await queue.end(t, task, succeeded())
  t.deepEqual(await attemptsOf(queue, task), [
    { attempt: 1, state: 'retried', process: here, error },
    { attempt: 2, state: 'interrupted', process: here, error },
    { attempt: 3, state: 'failed', process: here, error },
    { attempt: 4, state: 'cancelled', process: here, error },
  ])
  const attempts = await queue.engine.attempts(task.id)
  // A clock that was compared on a busy machine may be off.
  const near = (time: number | null): boolean => Math.abs(time! - before) < 60_000
  for (const { startedAt, endedAt } of attempts) t.true(near(startedAt) && near(endedAt))
})

test('attempts in a group, and of tasks with a key, are remembered too; an alias tells those of the task', async (t) => {
  const queue = await join(t, await databases.create(t))
  const [first, second] = newGroup({}, {}) as [ReturnType<typeof newTask>, ReturnType<typeof newTask>]
  await queue.add(first, second)
  await queue.end(t, first, failed())
  await queue.end(t, second, cancelled())
  t.like(await attemptsOf(queue, first), [{ attempt: 1, state: 'failed', process: here }])
  t.like(await attemptsOf(queue, second), [{ attempt: 1, state: 'cancelled', process: here }])
  const [unique, alias] = [newTask({ options: { unique: 'one' } }), newTask({ options: { unique: 'one' } })]
  await queue.add(unique)
  await queue.add(alias)
  await queue.end(t, unique, failed())
  t.deepEqual(await attemptsOf(queue, alias), await attemptsOf(queue, unique))
  t.is((await attemptsOf(queue, alias)).length, 1)
  for (const id of ['', 'x', newTask().id]) t.deepEqual(await queue.engine.attempts(id), [])
})

test('of a task that fails for ever the last hundred attempts are remembered, of each error what is short', async (t) => {
  const url = await databases.create(t)
  const queue = await join(t, url)
  const endless = toFailure(
    Object.assign(new Error(`\0\ud800${'x'.repeat(100_000)}`), { code: 'E'.repeat(5_000) }),
  )
  const task = newTask()
  await queue.add(task)
  const settlement: Settlement = { state: 'queued', at: Date.now(), failure: endless }
  for (let attempt = 1; attempt <= 103; attempt++) await queue.end(t, task, settlement)
  const attempts = await queue.engine.attempts(task.id)
  t.deepEqual(
    attempts.map(({ attempt }) => attempt),
    Array.from({ length: 100 }, (_, index) => index + 4),
  )
  t.true(attempts[0]!.error!.message.startsWith('\0\ud800xxx'))
  t.is(attempts[0]!.error!.message.length, 1_000)
  const client = await connect(t, url)
  const { rows } = await client.query(
    'SELECT count(*)::integer, max(length(error)) AS longest FROM afterwork.attempts',
  )
  t.is(rows[0].count, 100)
  t.true(rows[0].longest < 3_000)
})

test('what is remembered of attempts goes with their task', async (t) => {
  const url = await databases.create(t)
  const queue = await join(t, url)
  const [purged, forgotten] = [newTask(), newTask({ options: { keepResult: 1 } })]
  for (const task of [purged, forgotten]) {
    await queue.add(task)
    await queue.end(t, task, retried(0))
    await queue.end(t, task, failed())
  }
  await queue.engine.purge(purged.id)
  t.deepEqual(await queue.engine.attempts(purged.id), [])
  const client = await connect(t, url)
  const left = async (): Promise<number> =>
    (await client.query('SELECT count(*)::integer FROM afterwork.attempts')).rows[0].count
  // The other one is forgotten by a look.
  while ((await left()) > 0) await queue.engine.counters()
  t.is(await queue.state(forgotten), undefined)
})

test('an attempt that was lost tells which process made it, though that is gone; a cancel before it is charged, too', async (t) => {
  const url = await databases.create(t)
  const dying = new PostgresQueue(url, { maxTasks: 100, maxBytes: 1e6 }, { tasks: 100 }, { silent: true })
  t.teardown(() => dying.close())
  await dying.open({ names: new Set([newTask().name]), pools: ['cpu'], files: true })
  const [again, unwanted] = [newTask(), newTask()]
  await dying.add([again, unwanted], { held: false })
  const claimed = await dying.claim('cpu', 2)
  await dying.start(
    claimed.map(({ id }) => id),
    Date.now(),
  )
  await dying.counters()
  await dying.close()
  const client = await connect(t, url)
  // As pg-boss takes tickets away.
  await client.query(
    `UPDATE afterwork_boss.job SET state = 'retry', heartbeat_on = NULL, output = '{}' WHERE id = $1`,
    [unwanted.id],
  )
  await client.query(`UPDATE afterwork.processes SET seen_on = '-infinity', pid = 4242, host = 'gone'`)
  const steering = new PostgresQueue(url, { maxTasks: 100, maxBytes: 1e6 }, { tasks: 100 })
  t.teardown(() => steering.close())
  await steering.visit()
  t.like(await steering.cancel(unwanted.id, Date.now()), {
    state: 'cancelled',
    attempt: 1,
    error: { code: 'AFTERWORK_CANCELLED', message: `${unwanted.name} was cancelled` },
  })
  await client.query(`UPDATE afterwork_boss.job SET heartbeat_on = '-infinity' WHERE state = 'active'`)
  await client.query('UPDATE afterwork_boss.queue SET monitor_on = NULL, monitor_claim_on = NULL')

  const queue = await join(t, url)
  t.like(await queue.engine.get(again.id), { state: 'queued', attempt: 1 })
  const gone = { host: 'gone', pid: 4242 }
  t.is((await client.query('SELECT FROM afterwork.processes WHERE pid = 4242')).rowCount, 0)
  t.deepEqual(await attemptsOf(queue, again), [{ attempt: 1, state: 'lost', process: gone, error: null }])
  t.like(await attemptsOf(queue, unwanted), [
    { attempt: 1, state: 'lost', process: gone, error: { code: 'AFTERWORK_CANCELLED' } },
  ])
})

test('a task is shown with the attempts that did not end well, and without any where there are none', async (t) => {
  const url = await databases.create(t)
  const app = new App({ tasks, queue: url, files: await temporaryFolder(t) } as object)
  t.teardown(() => app.afterwork.stop())
  await app.afterwork.start()
  const server = await listen(t, app.afterwork, (koa) => koa.use(app.afterwork.routes()))
  const { failUntil, echo } = tasks.lives
  const { id } = await app.afterwork.addTask(failUntil.with({ retries: 2, backoff: { first: 1 } }), 3)
  const { id: well } = await app.afterwork.addTask(echo, 'at once')
  for (const one of [id, well]) await app.until('task.succeeded', (event) => event.id === one)
  const { json, headers } = await send(`${server.url}/tasks/${id}`)
  t.is(headers['cache-control'], 'no-store')
  const shown = (attempt: number) => {
    const { startedAt, endedAt } = json.attempts[attempt - 1]
    for (const date of [startedAt, endedAt]) t.is(new Date(date).toISOString(), date)
    const thrown = { name: 'Error', message: 'not before attempt 3' }
    return { attempt, state: 'retried', startedAt, endedAt, process: here, error: thrown }
  }
  t.deepEqual(json.attempts, [shown(1), shown(2)])
  t.is((await app.afterwork.attempts(id)).length, 2)
  t.false('attempts' in (await send(`${server.url}/tasks/${well}`)).json)
  const listed = (await send(`${server.url}/tasks`)).json.tasks as object[]
  t.is(listed.length, 2)
  t.false(listed.some((task) => 'attempts' in task))
})
