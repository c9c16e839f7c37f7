import { Agent } from 'node:http'
import type { Afterwork, TaskDocument } from 'afterwork'
import test from 'ava'
import { listen, startAfterwork, startApp } from '../support/app.ts'
import { Endings } from '../support/endings.ts'
import type { EventLog } from '../support/events.ts'
import { startGate, type Gate } from '../support/gate.ts'
import { send, type Answer } from '../support/http.ts'
import { tasks } from '../support/tasks.ts'

const endings = new Endings()
let afterwork: Afterwork
let events: EventLog
let gate: Gate
let url: string
test.before(async () => {
  ;({ afterwork, events } = await startAfterwork(endings))
  gate = await startGate(endings)
  ;({ url } = await listen(endings, afterwork, (app) => app.use(afterwork.routes())))
})
test.after.always(() => endings.run())

const unknown = '01936a3e-0000-7000-8000-000000000000'

/** What becomes of a POST without a body. */
function ask(path: string): Promise<Answer> {
  return send(url + path, { method: 'POST' })
}

async function taskOf(id: string): Promise<TaskDocument> {
  return (await send(`${url}/tasks/${id}`)).json
}

/** Resolves when this task is cancelled. */
function cancelled(id: string): Promise<void> {
  return new Promise((resolve) => {
    afterwork.on('task.cancelled', (event) => {
      if (event.id === id) resolve()
    })
  })
}

/** A refusal: its status, code and detail. */
function refusal({ status, headers, json }: Answer): [number, string, string] {
  if (headers['content-type'] !== 'application/problem+json') throw new Error('no problem')
  return [status, json.code, json.detail]
}

test('a task that waits is cancelled at once', async (t) => {
  const { id } = await afterwork.addTask(tasks.steps.echo.with({ delay: '1h' }))
  const answer = await ask(`/tasks/${id}/cancel`)
  t.is(answer.status, 202)
  t.is(answer.headers['cache-control'], 'no-store')
  t.like(answer.json, {
    id,
    state: 'cancelled',
    attempt: 0,
    startedAt: null,
    links: { self: `/tasks/${id}` },
  })
  t.is(answer.json.error.code, 'AFTERWORK_CANCELLED')
  t.deepEqual(await taskOf(id), { ...answer.json, arguments: [] })
})

test('a task that runs is asked to stop, and is cancelled once it has', async (t) => {
  const { id } = await afterwork.addTask(tasks.steps.pass, gate.url('to be cancelled'))
  await gate.arrival('to be cancelled')
  const over = cancelled(id)
  const answer = await ask(`/tasks/${id}/cancel`)
  t.is(answer.status, 202)
  t.like(answer.json, { id, state: 'running', attempt: 1 })
  await over
  t.like(await taskOf(id), { state: 'cancelled', attempt: 1, error: { code: 'AFTERWORK_CANCELLED' } })
})

test('a task that has ended cannot be cancelled, and one that has not failed cannot be retried', async (t) => {
  const done = await afterwork.addTask(tasks.steps.echo)
  await events.ended(done.id)
  t.deepEqual(refusal(await ask(`/tasks/${done.id}/cancel`)), [
    409,
    'AFTERWORK_CONFLICT',
    `Task ${done.id} cannot be cancelled: it has ended, succeeded`,
  ])
  t.deepEqual(refusal(await ask(`/tasks/${done.id}/retry`)), [
    409,
    'AFTERWORK_CONFLICT',
    `Task ${done.id} cannot be retried: it is succeeded, not failed or cancelled`,
  ])
  const { id } = await afterwork.addTask(tasks.steps.echo.with({ delay: '1h' }))
  t.regex(refusal(await ask(`/tasks/${id}/retry`))[2], /it is scheduled, not failed or cancelled/)
  await afterwork.cancel(id)
  t.regex(refusal(await ask(`/tasks/${id}/cancel`))[2], /it has ended, cancelled/)
})

test('a failed task is retried under its id, counts on, and has a fresh budget of retries', async (t) => {
  const failing = tasks.steps.fail.with({ retries: 1, backoff: { first: 1 } })
  const { id } = await afterwork.addTask(failing, 'still no')
  await events.until('task.failed', (event) => event.id === id)
  t.is((await taskOf(id)).attempt, 2)
  const answer = await ask(`/tasks/${id}/retry`)
  t.is(answer.status, 202)
  t.like(answer.json, { id, state: 'queued', attempt: 2, endedAt: null })
  await events.until('task.failed', (event) => event.id === id && event.attempt === 4)
  t.like(await taskOf(id), { state: 'failed', attempt: 4, error: { message: 'still no' } })
})

test('a cancelled task can be retried; a unique one only while no other has its key', async (t) => {
  const unique = tasks.steps.pass.with({ unique: 'retried', delay: 1 })
  const { id } = await afterwork.addTask(unique.with({ delay: '1h' }), gate.url('retried'))
  await ask(`/tasks/${id}/cancel`)
  const other = await afterwork.addTask(unique, gate.url('retried'))
  t.deepEqual(refusal(await ask(`/tasks/${id}/retry`)), [
    409,
    'AFTERWORK_CONFLICT',
    `Task ${id} cannot be retried: another one has its unique key`,
  ])
  await gate.pass('retried')
  await events.ended(other.id)
  t.is((await ask(`/tasks/${id}/retry`)).status, 202)
  await gate.pass('retried')
  t.is(await events.ended(id), 'succeeded')
})

test('what nobody knows cannot be cancelled, retried, paused, resumed or resized', async (t) => {
  for (const path of [`/tasks/${unknown}/cancel`, `/tasks/${unknown}/retry`, '/tasks/x/cancel']) {
    t.deepEqual(refusal(await ask(path)).slice(0, 2), [404, 'AFTERWORK_TASK_NOT_FOUND'], path)
  }
  const found = [
    await ask('/pools/mial/pause'),
    await ask('/pools/mial/resume'),
    await patch(url, 'mial', { maxThreads: 1 }),
  ]
  for (const answer of found) {
    t.deepEqual(refusal(answer), [
      404,
      'AFTERWORK_POOL_NOT_FOUND',
      'There is no pool mial, did you mean "mail"?',
    ])
  }
  t.is((await ask(`/pools/${'x'.repeat(5_000)}/pause`)).text.length < 300, true)
})

function patch(base: string, pool: string, body: unknown): Promise<Answer> {
  const headers = { 'Content-Type': 'application/json' }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return send(`${base}/pools/${pool}`, { method: 'PATCH', headers, body: text })
}

test('PATCH resizes a pool while it works', async (t) => {
  const pools = { cpu: { minThreads: 1, maxThreads: 1, nice: 0 }, mail: { minThreads: 0, nice: 0 } }
  const own = await startApp(t, (app, runtime) => app.use(runtime.routes()), { pools })
  const first = await own.afterwork.addTask(tasks.steps.pass, gate.url('first of two'))
  const second = await own.afterwork.addTask(tasks.steps.pass, gate.url('second of two'))
  await gate.arrival('first of two')
  const { status, json } = await patch(own.url, 'cpu', { maxThreads: 2 })
  t.is(status, 200)
  t.like(json, { name: 'cpu', minThreads: 1, maxThreads: 2, concurrency: 1, paused: false })
  await gate.arrival('second of two')
  t.is((await send(`${own.url}/pools`)).json.pools[0].running, 2)
  await gate.pass('first of two')
  await gate.pass('second of two')
  t.is(await own.events.ended(first.id), 'succeeded')
  t.is(await own.events.ended(second.id), 'succeeded')

  const both = await patch(own.url, 'cpu', { minThreads: 2, maxThreads: 3, concurrency: 4 })
  t.like(both.json, { minThreads: 2, maxThreads: 3, concurrency: 4 })
  t.like((await patch(own.url, 'cpu', { maxThreads: 1 })).json, { minThreads: 1, maxThreads: 1 })
})

const wrongSizes: [sizes: object, sentence: RegExp][] = [
  [{ maxThreads: 0 }, /^pool cpu\.maxThreads: Expected an integer from 1 .*, got 0$/],
  [{ maxThreads: '2' }, /maxThreads: Expected an integer .*, got "2"$/],
  [{ maxThreads: null }, /maxThreads: Expected an integer .*, got null$/],
  [{ concurrency: 1.5 }, /concurrency: Expected an integer .*, got 1\.5$/],
  [{ minThreads: 3, maxThreads: 2 }, /minThreads: Expected at most maxThreads, which is 2, got 3$/],
  [{ maxThread: 2 }, /got "maxThread", did you mean "maxThreads"\?$/],
  [{ nice: 1 }, /^pool cpu: Expected .*, got "nice"/],
  [{ env: {} }, /^pool cpu: Expected .*, got "env"/],
  [JSON.parse('{"__proto__": 1}') as object, /^pool cpu: Expected .*, got "__proto__"/],
]
for (const [sizes, sentence] of wrongSizes) {
  test(`PATCH of ${JSON.stringify(sizes)} is refused, and changes nothing`, async (t) => {
    const before = (await send(`${url}/pools`)).json.pools[0]
    const [status, code, detail] = refusal(await patch(url, 'cpu', sizes))
    t.deepEqual([status, code], [422, 'AFTERWORK_BAD_OPTION'])
    t.regex(detail, sentence)
    const { pools } = (await send(`${url}/pools`)).json
    t.deepEqual({ ...pools[0], running: 0 }, { ...before, running: 0 })
  })
}

const wrongBodies: [what: string, sending: Parameters<typeof send>[1], status: number, code: string][] = [
  ['malformed JSON', { body: '{"maxThreads": 2' }, 400, 'MALFORMED_BODY'],
  ['a list', { body: '[2]' }, 400, 'MALFORMED_BODY'],
  ['a number', { body: '2' }, 400, 'MALFORMED_BODY'],
  ['a form', { body: 'maxThreads=2', headers: form() }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['an empty body', {}, 400, 'MALFORMED_BODY'],
  ['no type', { body: '{}', headers: { 'Content-Type': '' } }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['compressed JSON', { body: '{}', headers: gzip() }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['too large a body', { body: `{"a":"${'x'.repeat(20_000)}"}` }, 413, 'BODY_TOO_LARGE'],
  ['far too large a body', { body: `{"a":"${'x'.repeat(5_000_000)}"}` }, 413, 'BODY_TOO_LARGE'],
  ['too large a body in chunks', { body: chunks() }, 413, 'BODY_TOO_LARGE'],
]

function form() {
  return { 'Content-Type': 'application/x-www-form-urlencoded' }
}

function gzip() {
  return { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }
}

function chunks(): Uint8Array[] {
  return Array.from({ length: 20 }, () => new Uint8Array(1_000).fill(32))
}

for (const [what, sending, status, code] of wrongBodies) {
  test(`PATCH with ${what} is a ${status}, and the next request on that connection is answered`, async (t) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => agent.destroy())
    const headers = { 'Content-Type': 'application/json', ...sending?.headers }
    const answer = await send(`${url}/pools/cpu`, { method: 'PATCH', agent, ...sending, headers })
    t.deepEqual(refusal(answer).slice(0, 2), [status, code])
    t.is((await send(`${url}/pools`, { agent })).status, 200)
  })
}

test('a paused pool starts nothing until it is resumed', async (t) => {
  const own = await startApp(t, (app, runtime) => app.use(runtime.routes()))
  const path = `${own.url}/pools/cpu`
  t.like((await send(`${path}/pause`, { method: 'POST' })).json, { name: 'cpu', paused: true })
  const { id } = await own.afterwork.addTask(tasks.steps.echo)
  const mail = await own.afterwork.addTask(tasks.steps.echo.with({ pool: 'mail' }))
  t.is(await own.events.ended(mail.id), 'succeeded')
  t.like((await send(`${own.url}/tasks/${id}`)).json, { state: 'queued', attempt: 0 })
  t.deepEqual(own.events.life(id), ['task.added'])
  t.like((await send(`${path}/resume`, { method: 'POST' })).json, { name: 'cpu', paused: false })
  t.is(await own.events.ended(id), 'succeeded')
})

test('GET /tasks/:id shows the arguments with secrets hidden; no other answer shows any', async (t) => {
  const secretly = tasks.steps.echo.with({ redact: ['iban'], delay: '1h' })
  const { id } = await afterwork.addTask(
    secretly,
    'first',
    { password: 'hush', deep: [{ 'API-Key': 'hush', user: 'ada' }], iban: 'hush', size: 12n },
    new Date(0),
    new Uint8Array([1, 2, 3]),
  )
  const shown = await taskOf(id)
  t.deepEqual(shown.arguments, [
    'first',
    {
      password: '[redacted]',
      deep: [{ 'API-Key': '[redacted]', user: 'ada' }],
      iban: '[redacted]',
      size: '12',
    },
    '1970-01-01T00:00:00.000Z',
    'AQID',
  ])
  const list = await send(`${url}/tasks?state=scheduled`)
  const listed = list.json.tasks.find((task: TaskDocument) => task.id === id)
  t.false('arguments' in listed)
  const ended = await ask(`/tasks/${id}/cancel`)
  t.false('arguments' in ended.json)
  for (const { text } of [list, ended, await send(`${url}/tasks/${id}`)]) t.false(text.includes('hush'))
})

test('arguments that are too long are not shown', async (t) => {
  const { id } = await afterwork.addTask(tasks.steps.echo.with({ delay: '1h' }), 'x'.repeat(70_000))
  t.is((await taskOf(id)).arguments, null)
})

test('a task that has ended is forgotten by DELETE, one that has not is a conflict', async (t) => {
  const { id } = await afterwork.addTask(tasks.steps.echo, 1)
  await events.ended(id)
  const gone = await send(`${url}/tasks/${id}`, { method: 'DELETE' })
  t.deepEqual([gone.status, gone.text], [204, ''])
  t.is((await send(`${url}/tasks/${id}`)).status, 404)
  t.deepEqual(refusal(await send(`${url}/tasks/${id}`, { method: 'DELETE' })).slice(0, 2), [
    404,
    'AFTERWORK_TASK_NOT_FOUND',
  ])
  const { id: waiting } = await afterwork.addTask(tasks.steps.echo.with({ delay: '1h' }))
  const [status, code, detail] = refusal(await send(`${url}/tasks/${waiting}`, { method: 'DELETE' }))
  t.deepEqual([status, code], [409, 'AFTERWORK_CONFLICT'])
  t.regex(detail, /it is scheduled/)
  t.is((await taskOf(waiting)).state, 'scheduled')
})

test('GET /tasks/stats counts by state and says since when the oldest waits', async (t) => {
  const other = await startAfterwork(t)
  const { url: stats } = await listen(t, other.afterwork, (app) => app.use(other.afterwork.routes()))
  const none = { queued: 0, scheduled: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 }
  t.deepEqual((await send(`${stats}/tasks/stats`)).json, { counts: none, oldestAddedAt: null })
  await other.afterwork.pausePool('cpu')
  const { id } = await other.afterwork.addTask(tasks.steps.echo, 1)
  await other.afterwork.addTask(tasks.steps.echo.with({ delay: '1h' }))
  const { addedAt } = (await send(`${stats}/tasks/${id}`)).json
  const { json } = await send(`${stats}/tasks/stats`)
  t.deepEqual(json, { counts: { ...none, queued: 1, scheduled: 1 }, oldestAddedAt: addedAt })
})
