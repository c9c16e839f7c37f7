import type { Afterwork, TaskDocument } from 'afterwork'
import type { Middleware } from 'koa'
import test from 'ava'
import { listen, startAfterwork, startApp } from '../support/app.ts'
import { Endings } from '../support/endings.ts'
import type { EventLog } from '../support/events.ts'
import { startGate, type Gate } from '../support/gate.ts'
import { send } from '../support/http.ts'
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

/** The answer to a GET, which must be 200 and never cached. */
async function read(path: string): Promise<any> {
  const answer = await send(url + path)
  if (answer.status !== 200 || answer.headers['cache-control'] !== 'no-store') throw new Error(answer.text)
  return answer.json
}

test('a task can be followed: queued, running with progress, succeeded with its result', async (t) => {
  const { id } = await afterwork.addTask(tasks.steps.report.with({ delay: '1h' }), 'half')
  t.like(await read(`/tasks/${id}`), {
    id,
    name: 'steps.report',
    state: 'scheduled',
    attempt: 0,
    startedAt: null,
  })

  const waiting = await afterwork.addTask(tasks.steps.pass, gate.url('follow'))
  await gate.arrival('follow')
  const running: TaskDocument = await read(`/tasks/${waiting.id}`)
  t.like(running, { state: 'running', attempt: 1, result: null, error: null, endedAt: null })
  t.true(Date.parse(running.startedAt!) >= Date.parse(running.addedAt))
  await gate.pass('follow')
  await events.ended(waiting.id)
  const ended: TaskDocument = await read(`/tasks/${waiting.id}`)
  t.like(ended, { state: 'succeeded', result: 'follow', progress: { fraction: 1, message: null } })
  t.deepEqual(ended.links, { self: `/tasks/${waiting.id}` })
  t.true(Date.parse(ended.endedAt!) >= Date.parse(ended.startedAt!))
})

test('a result with dates, big integers and bytes is shown as text; a failure without its stack', async (t) => {
  const { id } = await afterwork.addTask(tasks.steps.report, 'end')
  await events.ended(id)
  t.deepEqual((await read(`/tasks/${id}`)).result, {
    at: '1970-01-01T00:00:00.000Z',
    size: '12',
    bytes: 'AQID',
  })

  const failed = await afterwork.addTask(tasks.steps.fail, 'on purpose')
  await events.ended(failed.id)
  const { state, error } = await read(`/tasks/${failed.id}`)
  t.is(state, 'failed')
  t.deepEqual(error, {
    name: 'RangeError',
    message: 'on purpose',
    code: 'TEST_FAILED',
    fields: { secret: 'a detail' },
  })
})

test('a queue that keeps no log of attempts tells none of them', async (t) => {
  const { id } = await afterwork.addTask(tasks.steps.fail, 'once')
  await events.ended(id)
  t.false('attempts' in (await read(`/tasks/${id}`)))
  t.deepEqual(await afterwork.attempts(id), [])
})

test('an id that no task has is a 404 with a code, whatever its form', async (t) => {
  const unknown = '01936a3e-0000-7000-8000-000000000000'
  for (const id of [unknown, 'x', '..%2f..', '%00', 'a'.repeat(5_000)]) {
    const answer = await send(`${url}/tasks/${id}`)
    t.is(answer.status, 404, id)
    t.like(answer.json, { code: 'AFTERWORK_TASK_NOT_FOUND' })
    t.true(answer.text.length < 500)
  }
})

test('an id that is not even a URL component is the fault of the client', async (t) => {
  const { status, headers } = await send(`${url}/tasks/%zz`)
  t.true(status === 400 || status === 404, String(status))
  t.is(headers['content-type'], 'application/problem+json')
})

const badQueries = [
  'limit=0',
  'limit=201',
  'limit=1.5',
  'limit=many',
  'limit=',
  'limit=1&limit=2',
  'state=done',
  'state=queued&state=failed',
  'name=a&name=b',
  'cursor=1',
  'cursor=',
]
for (const query of badQueries) {
  test(`GET /tasks?${query} is a bad query`, async (t) => {
    const answer = await send(`${url}/tasks?${query}`)
    t.is(answer.status, 400)
    t.is(answer.headers['content-type'], 'application/problem+json')
    t.like(answer.json, { code: 'BAD_QUERY' })
    t.regex(answer.json.detail, new RegExp(`^${query.split('=')[0]}: Expected `))
  })
}

test('GET /pools shows the sizes and load of every pool', async (t) => {
  const { pools } = await read('/pools')
  t.deepEqual(
    pools.map(({ name, minThreads, maxThreads, concurrency, paused }: Record<string, unknown>) => [
      name,
      minThreads,
      maxThreads,
      concurrency,
      paused,
    ]),
    [
      ['cpu', 1, 2, 1, false],
      ['mail', 0, 1, 10, false],
    ],
  )
  t.is(typeof pools[0].running, 'number')
})

test('tasks are listed newest first, page by page, however many are added meanwhile', async (t) => {
  const own = await startApp(t, (app, runtime) => app.use(runtime.routes()))
  const added: string[] = []
  const add = async () =>
    added.unshift((await own.afterwork.addTask(tasks.steps.echo.with({ delay: '1h' }))).id)
  for (let count = 0; count < 5; count++) await add()
  const expected = [...added]

  const found: string[][] = []
  let path: string | null = '/tasks?limit=2'
  while (path !== null) {
    const page: { tasks: TaskDocument[]; next: string | null } = (await send(own.url + path)).json
    found.push(page.tasks.map(({ id }) => id))
    await add()
    path = page.next === null ? null : `/tasks?limit=2&cursor=${page.next}`
  }
  t.deepEqual(
    found.map((page) => page.length),
    [2, 2, 1],
  )
  t.deepEqual(found.flat(), expected)

  const exact = (await send(`${own.url}/tasks?limit=8`)).json
  t.is(exact.tasks.length, 8)
  t.is(exact.next, null)
  t.deepEqual((await send(`${own.url}/tasks?cursor=${added.at(-1)}`)).json, { tasks: [], next: null })
})

test('tasks are filtered by state and by name', async (t) => {
  const own = await startApp(t, (app, runtime) => app.use(runtime.routes()))
  const waiting = await own.afterwork.addTask(tasks.steps.echo.with({ delay: '1h' }))
  const ended = await own.afterwork.addTask(tasks.steps.echo)
  const failed = await own.afterwork.addTask(tasks.steps.fail, 'on purpose')
  await Promise.all([own.events.ended(ended.id), own.events.ended(failed.id)])
  const ids = async (query: string) => {
    const { tasks: list } = (await send(`${own.url}/tasks?${query}`)).json as { tasks: TaskDocument[] }
    return list.map(({ id }) => id)
  }
  t.deepEqual(await ids(''), [failed.id, ended.id, waiting.id])
  t.deepEqual(await ids('state=scheduled'), [waiting.id])
  t.deepEqual(await ids('state=failed'), [failed.id])
  t.deepEqual(await ids('state=cancelled'), [])
  t.deepEqual(await ids('name=steps.echo'), [ended.id, waiting.id])
  t.deepEqual(await ids('name=steps.echo&state=succeeded'), [ended.id])
  t.deepEqual(await ids('name=steps'), [])
})

/** As koa-mount does it: the part of the path that the mounted app sees is shortened, `originalUrl` stays. */
function mount(prefix: string, mounted: Middleware): Middleware {
  return async (ctx, next) => {
    if (!ctx.path.startsWith(`${prefix}/`)) return next()
    const { path } = ctx
    ctx.path = path.slice(prefix.length)
    try {
      await mounted(ctx, next)
    } finally {
      ctx.path = path
    }
  }
}

test('links hold the prefix of the routes and of the mount', async (t) => {
  const { id } = await afterwork.addTask(tasks.steps.echo)
  const mounted = await listen(t, afterwork, (app) => {
    app.use(afterwork.routes({ prefix: '/ops' }))
    app.use(mount('/admin', afterwork.routes()))
    app.use(mount('/deep', mount('/er', afterwork.routes({ prefix: '/v1' }))))
  })
  for (const prefix of ['/ops', '/admin', '/deep/er/v1']) {
    const one: TaskDocument = (await send(`${mounted.url}${prefix}/tasks/${id}`)).json
    t.is(one.links.self, `${prefix}/tasks/${id}`)
    const { tasks: list } = (await send(`${mounted.url}${prefix}/tasks?limit=200`)).json
    t.true(list.some(({ links }: TaskDocument) => links.self === `${prefix}/tasks/${id}`))
  }
  t.is((await send(`${mounted.url}/tasks`)).status, 404)
})
