import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import type { Afterwork } from 'afterwork'
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
test.before(async () => {
  ;({ afterwork, events } = await startAfterwork(endings))
  gate = await startGate(endings)
})
test.after.always(() => endings.run())

/** Resolves once a task that no request holds back has run, so that anything else that could start has started. */
async function anotherTaskRan(): Promise<void> {
  const { id } = await afterwork.addTask(tasks.steps.echo)
  await events.ended(id)
}

/** The answer as soon as its head is there. */
async function head(url: string): Promise<IncomingMessage> {
  const [incoming] = (await once(get(url, { agent: false }), 'response')) as [IncomingMessage]
  return incoming
}

test('a task starts only after the last byte of a slow response', async (t) => {
  const body = new PassThrough()
  const happened: string[] = []
  let id = ''
  const { url } = await listen(t, afterwork, (app) =>
    app.use((ctx) => {
      id = ctx.background.addTask(tasks.steps.echo).id
      ctx.body = body
      ctx.res.once('finish', () => happened.push('last byte'))
      afterwork.on('task.started', (event) => void (event.id === id && happened.push('started')))
    }),
  )

  body.write('first ')
  const incoming = await head(url)
  const [chunk] = (await once(incoming, 'data')) as [Buffer]
  t.is(chunk.toString(), 'first ')
  await anotherTaskRan()
  t.deepEqual(events.life(id), ['task.added'])
  t.is((await afterwork.records.get(id))?.state, 'queued')

  body.end('last')
  await once(incoming, 'end')
  t.is(await events.ended(id), 'succeeded')
  t.deepEqual(happened, ['last byte', 'started'])
  t.deepEqual(events.life(id), ['task.added', 'task.released', 'task.started', 'task.succeeded'])
})

test('a task is stored before the first byte of the response', async (t) => {
  const happened: string[] = []
  let id = ''
  afterwork.on(
    'task.added',
    (event) => void (event.id === id && happened.push(event.held ? 'held' : 'not held')),
  )
  const { url } = await listen(t, afterwork, (app) =>
    app.use((ctx) => {
      id = ctx.background.addTask(tasks.steps.echo).id
      const writeHead = ctx.res.writeHead.bind(ctx.res) as (status: number) => typeof ctx.res
      ctx.res.writeHead = (status: number) => {
        happened.push('first byte')
        return writeHead(status)
      }
      ctx.status = 202
    }),
  )
  t.is((await send(url)).status, 202)
  t.deepEqual(happened, ['held', 'first byte'])
  await events.ended(id)
})

test('a client that goes away in the middle of the answer releases the tasks', async (t) => {
  const body = new PassThrough()
  let id = ''
  let finished: boolean | undefined
  const { url } = await listen(t, afterwork, (app) =>
    app.use((ctx) => {
      id = ctx.background.addTask(tasks.steps.echo).id
      ctx.body = body
      ctx.res.once('close', () => (finished = ctx.res.writableFinished))
    }),
  )
  body.write('first')
  const incoming = await head(url)
  await anotherTaskRan()
  t.deepEqual(events.life(id), ['task.added'])
  incoming.destroy()
  t.is(await events.ended(id), 'succeeded')
  t.false(finished)
})

test('the tasks of a handler that ends after its client has gone are run', async (t) => {
  let added = (_id: string): void => {}
  const id = new Promise<string>((resolve) => (added = resolve))
  const { url } = await listen(t, afterwork, (app) =>
    app.use(async (ctx) => {
      await once(ctx.res, 'close')
      added(ctx.background.addTask(tasks.steps.echo).id)
      ctx.body = 'nobody reads this'
    }),
  )
  const outgoing = get(url, { agent: false })
  outgoing.on('error', () => {})
  await once(outgoing, 'finish')
  outgoing.destroy()
  t.is(await events.ended(await id), 'succeeded')
})

test('the next request on a connection is answered while the task of the one before runs', async (t) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  let connections = 0
  const { url, server } = await listen(t, afterwork, (app) =>
    app.use((ctx) => {
      if (ctx.path === '/first')
        ctx.body = ctx.background.addTask(tasks.steps.pass, gate.url('keep-alive')).id
      else ctx.body = 'second'
    }),
  )
  server.on('connection', () => connections++)
  const { text: id } = await send(`${url}/first`, { agent })
  await gate.arrival('keep-alive')
  t.is((await send(`${url}/second`, { agent })).text, 'second')
  t.is((await afterwork.records.get(id))?.state, 'running')
  t.is(connections, 1)
  await gate.pass('keep-alive')
  t.is(await events.ended(id), 'succeeded')
})

const refusals: [how: string, status: number, reason: string, act: (ctx: any) => void][] = [
  ['throws', 500, 'the handler threw', () => Promise.reject(new Error('no'))],
  ['throws a client error', 409, 'the handler threw', (ctx) => ctx.throw(409, 'no')],
  ['answers 400', 400, 'the answer was 400', (ctx) => (ctx.status = 400)],
  [
    'answers 503 with a body',
    503,
    'the answer was 503',
    (ctx) => Object.assign(ctx, { status: 503, body: '-' }),
  ],
  ['sets nothing', 404, 'the answer was 404: no body or status was set', () => {}],
]

for (const [how, status, reason, act] of refusals) {
  test(`the tasks of a handler that ${how} are dropped, but for those with keepOnError`, async (t) => {
    const ids: string[] = []
    const { url } = await listen(t, afterwork, (app) =>
      app.use((ctx) => {
        ids.push(ctx.background.addTask(tasks.steps.echo).id)
        ids.push(ctx.background.addTask(tasks.steps.echo.with({ keepOnError: true })).id)
        ids.push(ctx.background.addLocal(() => t.fail('a local function of a refused request ran')).id)
        return act(ctx)
      }),
    )
    t.is((await send(url)).status, status)
    const [dropped, kept, local] = ids as [string, string, string]
    t.is(await events.ended(kept), 'succeeded')
    for (const id of [dropped, local]) {
      t.deepEqual(events.life(id), ['task.dropped'])
      t.is(await afterwork.records.get(id), undefined)
    }
    t.is((await events.until('task.dropped', ({ id }) => id === dropped)).reason, reason)
  })
}

test('the tasks are dropped when an inner error handler turned a throw into a 500', async (t) => {
  let id = ''
  const { url } = await listen(t, afterwork, (app) => {
    app.use(async (ctx, next) => {
      try {
        await next()
      } catch {
        Object.assign(ctx, { status: 500, body: 'handled' })
      }
    })
    app.use((ctx) => {
      id = ctx.background.addTask(tasks.steps.echo).id
      throw new Error('no')
    })
  })
  t.is((await send(url)).text, 'handled')
  t.is((await events.until('task.dropped', (event) => event.id === id)).reason, 'the answer was 500')
})

test('a commit past maxQueued is a 503 with Retry-After that leaves nothing behind', async (t) => {
  let localRan = false
  const small = await startApp(
    t,
    (app) =>
      app.use((ctx) => {
        ctx.background.addTask(tasks.steps.echo)
        if (ctx.path === '/two') ctx.background.addLocal(() => (localRan = true))
        ctx.body = 'accepted'
      }),
    { maxQueued: 1 },
  )
  const refused = await send(`${small.url}/two`)
  t.is(refused.status, 503)
  t.is(refused.headers['retry-after'], '1')
  t.is(refused.headers['content-type'], 'application/problem+json')
  t.like(refused.json, { status: 503, code: 'AFTERWORK_QUEUE_FULL' })
  t.deepEqual(await small.afterwork.records.list({ limit: 10 }), [])
  t.deepEqual(Object.values(await small.afterwork.records.counters()), [0, 0, 0, 0, 0, 0])
  t.deepEqual(small.events.of('task.added'), [])

  t.is((await send(`${small.url}/one`)).status, 200)
  await small.events.until('task.succeeded')
  t.false(localRan)
})

test('a task added when those of its request are committed is refused, in the outer middleware as in a callback', async (t) => {
  const codes: unknown[] = []
  const attempt = (add: () => unknown) => {
    try {
      codes.push(add())
    } catch (error) {
      const { code, message } = error as { code: string; message: string }
      codes.push(code, /before the handler returns, or use `await afterwork\.addTask/.test(message))
    }
  }
  const { url } = await listen(t, afterwork, (app) => {
    app.middleware.unshift(async (ctx, next) => {
      await next()
      attempt(() => ctx.background.addTask(tasks.steps.echo))
    })
    app.use((ctx) => {
      ctx.body = 'done'
      ctx.res.once('close', () => attempt(() => ctx.background.addLocal(() => {})))
    })
  })
  await send(url)
  await anotherTaskRan()
  t.deepEqual(codes, ['AFTERWORK_TOO_LATE', true, 'AFTERWORK_TOO_LATE', true])
})
