import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { AfterworkOptions } from 'afterwork'
import { PausedPools } from '../../../src/service/paused.ts'
import { openEvents, type TaskFrame } from '../../koa/event-stream.ts'
import { tasks as lives } from '../../promises/tasks.ts'
import { App } from '../../runtime/app.ts'
import { listen } from '../../support/app.ts'
import { Endings } from '../../support/endings.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { startGate } from '../../support/gate.ts'
import { send } from '../../support/http.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { tasks as steps } from '../../support/tasks.ts'
import { newTask, retried, succeeded } from '../conformance/subject.ts'
import { connect, join } from './joined.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

/** A process of several: one that takes requests, or one that works. */
async function start(
  t: ExecutionContext,
  queue: string,
  options: Partial<AfterworkOptions> = {},
): Promise<App> {
  const pools = { cpu: { minThreads: 1, maxThreads: 2, nice: 0 } }
  const files = await temporaryFolder(t)
  const app = new App({ tasks: lives, queue, pools, files, commitTimeout: '1m', ...options })
  t.teardown(() => app.afterwork.stop())
  await app.afterwork.start()
  return app
}

/** A request that changes something. */
const patch = (body: object) => ({
  method: 'PATCH',
  body: JSON.stringify(body),
  headers: { 'Content-Type': 'application/json' },
})
const states = (frames: TaskFrame[]) => frames.map(({ task }) => task.state)

test.serial('who watches a task in one process sees all that becomes of it in another', async (t) => {
  const [url, gate] = [await databases.create(t), await startGate(t)]
  const web = await start(t, url, { work: false })
  const server = await listen(t, web.afterwork, (app) => app.use(web.afterwork.routes()))
  const { id } = await web.afterwork.addTask(lives.lives.passHalfWay, gate.url('half'))
  const stream = await openEvents(t, `${server.url}/tasks/${id}/events`)
  const frames = [(await stream.next())!]
  t.like(frames[0]!.task, { state: 'queued', attempt: 0 })

  const worker = await start(t, url)
  do frames.push((await stream.next())!)
  while (frames.at(-1)!.event !== 'progress')
  t.like(frames.at(-1)!.task, { state: 'running', progress: { fraction: 0.5, message: 'half way' } })
  await gate.pass('half')
  frames.push(...(await stream.rest()))
  t.like(frames.at(-1)!.task, { state: 'succeeded', attempt: 1 })
  t.is(new Set(frames.map((frame) => frame.id)).size, frames.length)
  t.deepEqual(states(frames).toSorted(), states(frames), 'queued, running, succeeded')
  t.deepEqual([...web.of('task.started'), ...web.of('task.succeeded')], [], 'it is not its own')
  t.is(worker.of('task.succeeded').length, 1)
})

test.serial(
  'who watches sees a failure, what is scheduled, and the cancel, though another process does it',
  async (t) => {
    const url = await databases.create(t)
    const web = await start(t, url, { work: false })
    const server = await listen(t, web.afterwork, (app) => app.use(web.afterwork.routes()))
    const worker = await start(t, url)
    const fails = lives.lives.fail.with({ retries: 1, backoff: { first: '1h' } })
    const { id } = await web.afterwork.addTask(fails, 'no')
    const stream = await openEvents(t, `${server.url}/tasks/${id}/events`)
    const scheduled = await stream.until(({ task }) => task.state === 'scheduled')
    t.like(scheduled.task.error, { message: 'no' })
    await worker.afterwork.cancel(id)
    t.like((await stream.rest()).at(-1)?.task, { state: 'cancelled', error: { code: 'AFTERWORK_CANCELLED' } })
  },
)

test.serial(
  'of tasks that somebody watches others are told, of no others; and without that all is seen by looking',
  async (t) => {
    const url = await databases.create(t)
    const [a, b] = [await join(t, url), await join(t, url)]
    const client = await connect(t, url)
    const said: string[] = []
    client.on('notification', ({ payload }) => said.push(payload!))
    await client.query('LISTEN afterwork')
    const [unseen, seen, another, quiet] = [newTask(), newTask(), newTask(), newTask()] as const
    await a.add(unseen)
    await a.end(t, unseen)

    await b.add(another)
    await b.add(seen)
    let changes = 0
    const unwatch = b.engine.watch(seen.id, () => changes++)
    while (!said.some((what) => what.startsWith('w:'))) await once(client, 'notification')
    // By now the other one has heard it, too, or does so with what it hears next.
    await a.end(t, another)
    await a.end(t, seen)
    while (!said.some((what) => what.startsWith('t:'))) await once(client, 'notification')
    const told = said.filter((what) => /^[wt]:/.test(what)).map((what) => what.replace(/:\d+:/, ' '))
    t.deepEqual([...new Set(told)], [`w ${seen.id}`, `t ${seen.id}`])
    // It looked different twice: what tells of it more often is the news.
    while (changes <= 2) {
      await client.query(`NOTIFY afterwork, 't:0:${seen.id}'`)
      await wait(10)
    }
    unwatch()
    await client.query(`CREATE OR REPLACE FUNCTION afterwork.tell(p_what text) RETURNS void
    LANGUAGE plpgsql AS 'BEGIN END'`)

    await b.add(quiet)
    const looks: (string | undefined)[] = []
    b.engine.watch(quiet.id, () => void b.state(quiet).then((state) => looks.push(state)))
    while (!looks.includes('queued')) await wait(10)
    await a.run(t, quiet)
    while (!looks.includes('running')) await wait(10)
    t.true(await a.engine.record(quiet.id, 1, succeeded()))
    while (!looks.includes('succeeded')) await wait(10)
    await a.engine.purge(quiet.id)
    while (looks.at(-1) !== undefined) await wait(10)
    const before = changes
    await a.engine.purge(seen.id)
    t.is(changes, before, 'nobody watches it any more')
  },
)

test.serial('how far an attempt is, others know; and that the next one is at its beginning', async (t) => {
  const url = await databases.create(t)
  const [a, b] = [await join(t, url), await join(t, url)]
  const task = newTask()
  await a.add(task)
  await a.run(t, task)
  a.engine.progress(task.id, 1, { fraction: 0.5, message: 'half way' })
  const progressed = async () => (await b.engine.get(task.id))!.progress
  while ((await progressed()) === null) await wait(10)
  t.deepEqual(await progressed(), { fraction: 0.5, message: 'half way' })
  t.true(await a.engine.record(task.id, 1, retried(Date.now() - 1)))
  t.like(await b.engine.get(task.id), { state: 'queued', progress: { fraction: 0.5 } })
  await a.run(t, task)
  await a.counters()
  t.like(await b.engine.get(task.id), { state: 'running', attempt: 2, progress: null })
})

test.serial(
  'a pool is resized from a process that does not work on it, in all that do, and in those that start later',
  async (t) => {
    const url = await databases.create(t)
    const web = await start(t, url, { work: false })
    const worker = await start(t, url)
    const server = await listen(t, web.afterwork, (app) => app.use(web.afterwork.routes()))
    const answer = await send(`${server.url}/pools/cpu`, patch({ maxThreads: 4, concurrency: 2 }))
    const sizes = { minThreads: 1, maxThreads: 4, concurrency: 2 }
    t.deepEqual(answer.json, { name: 'cpu', ...sizes, paused: false, running: 0 })
    t.like(await worker.until('pool.resized'), { pool: 'cpu', ...sizes, elsewhere: true })
    t.like(worker.afterwork.pools(), [{ name: 'cpu', ...sizes }])
    t.like(web.of('pool.resized'), [{ ...sizes, elsewhere: false }])

    const later = await start(t, url, { pools: { cpu: { maxThreads: 1, nice: 0 } } })
    t.like(later.of('pool.resized'), [{ ...sizes, elsewhere: true }])
    t.like(later.afterwork.pools(), [{ name: 'cpu', ...sizes }])
    await later.afterwork.resizePool('cpu', { minThreads: 0, maxThreads: 1 })
    await worker.until('pool.resized', ({ maxThreads }) => maxThreads === 1)
    await web.until('pool.resized', ({ maxThreads }) => maxThreads === 1)
    t.like((await send(`${server.url}/pools`)).json, {
      pools: [{ maxThreads: 1, minThreads: 0, concurrency: 2 }],
    })
    const wrong = await send(`${server.url}/pools/cpu`, patch({ minThreads: 2 }))
    t.is(wrong.status, 422)
    const unknown = await send(`${server.url}/pools/gpu`, patch({ maxThreads: 2 }))
    t.like(unknown, { status: 404, json: { code: 'AFTERWORK_POOL_NOT_FOUND' } })
  },
)

test.serial(
  'a pool that a task pauses is paused in all processes, each of which says why once; one resumes it for all',
  async (t) => {
    const [url, data] = [await databases.create(t), await temporaryFolder(t)]
    const of = { tasks: steps }
    const web = await start(t, url, { ...of, work: false })
    const paused = new PausedPools(web.afterwork, data, [])
    const worker = await start(t, url, of)
    const there = new PausedPools(worker.afterwork, data, ['cpu'])
    const { id } = await web.afterwork.addTask(steps.steps.pauses)
    t.like(await web.until('pool.paused'), { pool: 'cpu', failure: { code: 'WRONG' }, elsewhere: true })
    t.like(await worker.until('pool.paused'), { pool: 'cpu', failure: { code: 'WRONG' }, elsewhere: false })
    const listed = [{ pool: 'cpu', code: 'WRONG', message: 'wrong password' }]
    t.deepEqual([paused.list, there.list], [listed, listed])
    // It waits for its next attempt, which would be the same.
    await worker.until('task.interrupted')
    await web.afterwork.cancel(id)
    const later = await web.afterwork.addTask(steps.steps.echo, 'later')
    await web.afterwork.resumePool('cpu')
    t.like(await worker.until('pool.resumed'), { pool: 'cpu', elsewhere: true })
    t.is((await worker.ended(later)).state, 'succeeded')
    t.deepEqual([paused.list, there.list], [[], []])
    t.deepEqual([web.of('pool.paused').length, worker.of('pool.paused').length], [1, 1])
    t.deepEqual([web.of('pool.resumed').length, worker.of('pool.resumed').length], [1, 1])
  },
)
