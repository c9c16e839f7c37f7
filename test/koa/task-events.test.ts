import type { Readable } from 'node:stream'
import type { Afterwork, TaskRecord } from 'afterwork'
import test from 'ava'
import { versionOf } from '../../src/koa/task-events.ts'
import { tasks as lives } from '../promises/tasks.ts'
import { listen, startAfterwork, startApp } from '../support/app.ts'
import { Endings } from '../support/endings.ts'
import { startGate, type Gate } from '../support/gate.ts'
import { send } from '../support/http.ts'
import { tasks } from '../support/tasks.ts'
import { openEvents, type TaskFrame } from './event-stream.ts'

const endings = new Endings()
let afterwork: Afterwork
let gate: Gate
let url: string
/** The bodies of the answers, by path, as the server has them. */
const bodies = new Map<string, Readable>()
test.before(async () => {
  ;({ afterwork } = await startAfterwork(endings))
  gate = await startGate(endings)
  ;({ url } = await listen(endings, afterwork, (app) => {
    app.use(async (ctx, next) => {
      await next()
      bodies.set(ctx.path, ctx.body as Readable)
    })
    app.use(afterwork.routes())
  }))
})
test.after.always(() => endings.run())

const eventsUrl = (id: string) => `${url}/tasks/${id}/events`
/** Unlike once(), whatever error it closes with. */
const closing = (body: Readable) =>
  new Promise<void>((resolve) => void (body.closed ? resolve() : body.once('close', resolve)))
const states = (frames: TaskFrame[]) => frames.map(({ task }) => task.state)

test('the first event is the task as it is; then come its states and progress; the last is its end', async (t) => {
  const { id } = await afterwork.addTask(tasks.steps.pass, gate.url('watched'))
  await gate.arrival('watched')
  const stream = await openEvents(t, eventsUrl(id))
  t.is(stream.incoming.statusCode, 200)
  t.like(stream.incoming.headers, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  const first = await stream.next()
  t.is(first?.event, 'state')
  t.like(first?.task, { id, state: 'running', attempt: 1, links: { self: `/tasks/${id}` } })
  t.false('arguments' in first!.task)
  await gate.pass('watched')
  const [last, ...more] = await stream.rest()
  t.like(last?.task, { id, state: 'succeeded', result: 'watched', progress: { fraction: 1, message: null } })
  t.deepEqual(more, [])
})

test('progress comes as events of its own, and no event has the id of another', async (t) => {
  const own = await startApp(t, (app, runtime) => app.use(runtime.routes()), { tasks: lives })
  const { id } = await own.afterwork.addTask(lives.lives.passHalfWay.with({ delay: 1 }), gate.url('half'))
  const stream = await openEvents(t, `${own.url}/tasks/${id}/events`)
  const frames: TaskFrame[] = []
  do frames.push((await stream.next())!)
  while (frames.at(-1)!.event !== 'progress')
  t.like(frames.at(-1)?.task, { state: 'running', progress: { fraction: 0.5, message: 'half way' } })
  await gate.pass('half')
  frames.push(...(await stream.rest()))
  t.is(states(frames).at(-1), 'succeeded')
  for (const { event, task } of frames) {
    t.is(event, task.state === 'running' && task.progress !== null ? 'progress' : 'state')
  }
  t.is(new Set(frames.map((frame) => frame.id)).size, frames.length)
})

test('a retry shows as scheduled with its error, a cancelled task ends the stream', async (t) => {
  const { id } = await afterwork.addTask(
    tasks.steps.fail.with({ retries: 1, backoff: { first: '1h' } }),
    'no',
  )
  const stream = await openEvents(t, eventsUrl(id))
  const scheduled = await stream.until(({ task }) => task.state === 'scheduled')
  t.like(scheduled.task.error, { message: 'no', code: 'TEST_FAILED' })
  await afterwork.cancel(id)
  const [last] = (await stream.rest()).slice(-1)
  t.like(last?.task, { state: 'cancelled', error: { code: 'AFTERWORK_CANCELLED' } })
})

test('a client that comes back with Last-Event-ID gets nothing twice, and 204 when nothing can come', async (t) => {
  const { id } = await afterwork.addTask(tasks.steps.pass, gate.url('again'))
  await gate.arrival('again')
  const first = await openEvents(t, eventsUrl(id))
  const seen = (await first.next())!
  first.incoming.destroy()

  const second = await openEvents(t, eventsUrl(id), seen.id)
  await gate.pass('again')
  const frames = await second.rest()
  t.deepEqual(states(frames), ['succeeded'])

  const over = await send(eventsUrl(id), { headers: { 'Last-Event-ID': frames[0]!.id } })
  t.deepEqual([over.status, over.text], [204, ''])
  const anew = await openEvents(t, eventsUrl(id))
  t.deepEqual(states(await anew.rest()), ['succeeded'])
  const strange = await openEvents(t, eventsUrl(id), 'of somebody else')
  t.deepEqual(states(await strange.rest()), ['succeeded'])
})

test('the id of an event fits into a header, whatever the message of the progress', (t) => {
  const look = (message: string) =>
    versionOf({
      state: 'running',
      attempt: 1,
      progress: { fraction: 0.5, message },
      runAt: null,
    } as TaskRecord)
  const messages = ['', 'half', 'ü'.repeat(100_000), '\ud800', 'two\nlines']
  const ids = messages.map(look)
  for (const id of ids) t.regex(id, /^[\x21-\x7e]{1,100}$/)
  t.is(new Set(ids).size, messages.length)
  t.is(look('half'), ids[1]!)
})

test('everyone who watches a task sees its end', async (t) => {
  const { id } = await afterwork.addTask(tasks.steps.pass, gate.url('popular'))
  await gate.arrival('popular')
  const streams = await Promise.all(Array.from({ length: 20 }, () => openEvents(t, eventsUrl(id))))
  for (const stream of streams) t.is((await stream.next())?.task.state, 'running')
  streams[0]!.incoming.destroy()
  await gate.pass('popular')
  for (const stream of streams.slice(1)) t.deepEqual(states(await stream.rest()), ['succeeded'])
})

test('a client that goes away ends its stream on the server; so does a HEAD request', async (t) => {
  const { id } = await afterwork.addTask(tasks.steps.echo.with({ delay: '1h' }))
  const stream = await openEvents(t, eventsUrl(id))
  await stream.next()
  const body = bodies.get(`/tasks/${id}/events`)!
  const closed = closing(body)
  stream.incoming.destroy()
  await closed
  t.true(body.destroyed)

  bodies.clear()
  t.is((await send(eventsUrl(id), { method: 'HEAD' })).status, 200)
  const unread = bodies.get(`/tasks/${id}/events`)!
  await closing(unread)
  t.true(unread.destroyed)
  await afterwork.cancel(id)
})

test('a client that goes away is no error of the app', async (t) => {
  let body: Readable | undefined
  const own = await startApp(t, (app, runtime) => {
    app.use(async (ctx, next) => {
      await next()
      body = ctx.body as Readable
    })
    app.use(runtime.routes())
  })
  const { id } = await own.afterwork.addTask(tasks.steps.echo.with({ delay: '1h' }))
  const stream = await openEvents(t, `${own.url}/tasks/${id}/events`)
  await stream.next()
  stream.incoming.destroy()
  await closing(body!)
  await send(own.url)
  t.deepEqual(own.errors, [])
})

test('the events of a task that nobody knows are a 404 with a code', async (t) => {
  const answer = await send(eventsUrl('01936a3e-0000-7000-8000-000000000000'))
  t.is(answer.status, 404)
  t.is(answer.headers['content-type'], 'application/problem+json')
  t.like(answer.json, { code: 'AFTERWORK_TASK_NOT_FOUND' })
})

test('who watches an alias of a unique task watches the task', async (t) => {
  const unique = tasks.steps.pass.with({ unique: 'one at a time' })
  const { id } = await afterwork.addTask(unique, gate.url('unique'))
  const alias = await afterwork.addTask(unique, gate.url('unique'))
  t.not(alias.id, id)
  const stream = await openEvents(t, eventsUrl(alias.id))
  t.is((await stream.next())?.task.id, id)
  await gate.pass('unique')
  t.is((await stream.rest()).at(-1)?.task.state, 'succeeded')
})
