import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import Router from '@koa/router'
import type { Afterwork } from 'afterwork'
import test from 'ava'
import Koa, { type Context, type Middleware } from 'koa'
import { listen, startAfterwork } from '../support/app.ts'
import { Endings } from '../support/endings.ts'
import type { EventLog } from '../support/events.ts'
import { send } from '../support/http.ts'
import { tasks } from '../support/tasks.ts'

const endings = new Endings()
let afterwork: Afterwork
let events: EventLog
test.before(async () => {
  ;({ afterwork, events } = await startAfterwork(endings))
})
test.after.always(() => endings.run())

/** An app whose only handler adds a task and then answers so; `id()` is the task's. */
async function answering(
  t: Parameters<typeof listen>[0],
  answer: (ctx: Context) => unknown,
  configure: (app: Koa) => void = () => {},
) {
  let id = ''
  const listening = await listen(t, afterwork, (app) => {
    configure(app)
    app.use(async (ctx) => {
      id = ctx.background.addTask(tasks.steps.echo).id
      await answer(ctx)
    })
  })
  return { ...listening, id: () => id }
}

const kept: [shape: string, status: number, text: string, answer: (ctx: Context) => unknown][] = [
  ['a string', 200, 'hello', (ctx) => (ctx.body = 'hello')],
  ['JSON', 200, '{"a":[1]}', (ctx) => (ctx.body = { a: [1] })],
  ['a Buffer', 200, 'bytes', (ctx) => (ctx.body = Buffer.from('bytes'))],
  ['a stream', 200, 'onetwo', (ctx) => (ctx.body = Readable.from(['one', 'two']))],
  ['a web stream', 200, 'web', (ctx) => (ctx.body = new Blob(['web']).stream())],
  ['a Blob', 200, 'blob', (ctx) => (ctx.body = new Blob(['blob']))],
  [
    'a web Response',
    201,
    'made',
    (ctx) => Object.assign(ctx, { status: 201, body: new Response('made', { status: 201 }) }),
  ],
  ['null', 204, '', (ctx) => (ctx.body = null)],
  ['204', 204, '', (ctx) => (ctx.status = 204)],
  ['304', 304, '', (ctx) => Object.assign(ctx, { body: 'as you know it', status: 304 })],
  ['a redirection', 302, 'Redirecting to /there.', (ctx) => ctx.redirect('/there')],
  ['a status alone', 202, 'Accepted', (ctx) => (ctx.status = 202)],
  ['a status that errors turned into a success', 200, 'mended', mended],
]

/** A throw that the handler deals with itself. */
function mended(ctx: Context): void {
  try {
    ctx.throw(409, 'no')
  } catch {
    ctx.body = 'mended'
  }
}

for (const [shape, status, text, answer] of kept) {
  test(`the task of an answer of ${shape} is stored before it and runs after it`, async (t) => {
    const { url, id } = await answering(t, answer)
    const answered = await send(url)
    t.deepEqual([answered.status, answered.text], [status, text])
    t.is(await events.ended(id()), 'succeeded')
    t.deepEqual(events.life(id()), ['task.added', 'task.released', 'task.started', 'task.succeeded'])
  })
}

test('the task of a HEAD request runs, also when its body would be a stream', async (t) => {
  for (const body of ['hello', new PassThrough()]) {
    const { url, id } = await answering(t, (ctx) => (ctx.body = body))
    const { status, text } = await send(url, { method: 'HEAD' })
    t.deepEqual([status, text], [200, ''])
    t.is(await events.ended(id()), 'succeeded')
  }
})

const thrown: [what: string, status: number, error: unknown, reported: number][] = [
  ['an http error', 409, Object.assign(new Error('taken'), { status: 409, expose: true }), 0],
  ['an error', 500, new Error('secret'), 1],
  ['a string', 500, 'secret', 1],
  ['an object', 500, { status: 200, secret: true }, 1],
  ['undefined', 500, undefined, 1],
]

for (const [what, status, error, reported] of thrown) {
  for (const inner of ['problems()', "Koa's own handler"]) {
    // Koa does not answer at all when undefined is thrown.
    if (error === undefined && inner !== 'problems()') continue
    test(`the tasks of a handler that throws ${what} are dropped, under ${inner}`, async (t) => {
      const { url, id, errors } = await answering(
        t,
        () => Promise.reject(error as Error),
        (app) => void (inner === 'problems()' || app.middleware.shift()),
      )
      const answered = await send(url)
      t.is(answered.status, status)
      t.false(answered.text.includes('secret'))
      t.deepEqual(events.life(id()), ['task.dropped'])
      t.is((await events.until('task.dropped', (event) => event.id === id())).reason, 'the handler threw')
      if (inner === 'problems()') t.is(errors.length, reported)
    })
  }
}

const hidden: [how: string, status: number, ended: 'kept' | 'dropped'][] = [
  ['an answer of 422', 422, 'dropped'],
  ['an answer of 200', 200, 'kept'],
]
for (const [how, status, outcome] of hidden) {
  test(`when an inner handler turns a throw into ${how}, the tasks are ${outcome}: the status decides`, async (t) => {
    const { url, id } = await answering(
      t,
      () => Promise.reject(new Error('no')),
      (app) =>
        app.use(async (ctx, next) => {
          await next().catch(() => Object.assign(ctx, { status, body: 'handled' }))
        }),
    )
    t.deepEqual((await send(url)).text, 'handled')
    if (outcome === 'kept') t.is(await events.ended(id()), 'succeeded')
    else t.deepEqual(events.life(id()), ['task.dropped'])
  })
}

test('a stream that fails in the middle cuts the answer off; its task runs, for the answer had begun well', async (t) => {
  const body = new PassThrough()
  const { url, id, errors } = await answering(t, (ctx) => (ctx.body = body))
  body.write('first')
  const [incoming] = (await once(get(url, { agent: false }), 'response')) as [IncomingMessage]
  await once(incoming, 'data')
  t.deepEqual(events.life(id()), ['task.added'])
  const cut = once(incoming, 'end')
  body.destroy(new Error('the disk broke'))
  await t.throwsAsync(cut, { code: 'ECONNRESET' })
  t.is(await events.ended(id()), 'succeeded')
  t.is(errors[0]?.message, 'the disk broke')
})

test('a stream that fails before its first byte releases the task likewise', async (t) => {
  const failing = () =>
    new Readable({
      read() {
        this.destroy(new Error('no such file'))
      },
    })
  const { url, id } = await answering(t, (ctx) => (ctx.body = failing()))
  await t.throwsAsync(send(url), { code: 'ECONNRESET' })
  t.is(await events.ended(id()), 'succeeded')
})

test('a client that goes away between the commit and the first byte releases the task', async (t) => {
  const { url, id } = await answering(
    t,
    (ctx) => (ctx.body = 'nobody reads this'),
    (app) =>
      app.middleware.unshift(async (ctx, next) => {
        await next()
        outgoing.destroy()
        await once(ctx.res, 'close')
      }),
  )
  const outgoing = get(url, { agent: false })
  outgoing.on('error', () => {})
  await events.until('task.released', (event) => event.id === id())
  t.is(await events.ended(id()), 'succeeded')
})

/** As koa-mount does it: a whole app behind a prefix of another one. */
function mounted(prefix: string, app: Koa): Middleware {
  return (ctx, next) => {
    if (!ctx.path.startsWith(prefix)) return next()
    const call = (index: number): Promise<void> =>
      index === app.middleware.length
        ? next()
        : Promise.resolve(app.middleware[index]!(ctx as never, () => call(index + 1)))
    return call(0)
  }
}

test('nested routers and mounted apps add to the one list of the request, in the order of their calls', async (t) => {
  const ids: string[] = []
  const adding: Middleware = async (ctx, next) => {
    ids.push(ctx.background.addTask(tasks.steps.echo, ids.length).id)
    await next()
    ids.push(ctx.background.addTask(tasks.steps.echo, ids.length).id)
  }
  const users = new Router<object, Context>()
  users.get('/:id', adding as never, (ctx) => {
    ids.push(ctx.background.addTask(tasks.steps.echo, ids.length).id)
    ctx.body = 'done'
  })
  const api = new Router()
  api.use(adding as never)
  api.use('/users', users.routes() as never)
  const sub = new Koa()
  sub.use(adding)
  sub.use(async (ctx, next) => {
    ctx.path = ctx.path.slice('/sub'.length)
    await next()
  })
  sub.use(api.routes() as never)
  const { url } = await listen(t, afterwork, (app) => app.use(mounted('/sub', sub)))

  t.is((await send(`${url}/sub/users/7`)).text, 'done')
  await Promise.all(ids.map((id) => events.ended(id)))
  t.is(ids.length, 7)
  const starts = events.of('task.started').map(({ id }) => id)
  t.deepEqual(
    starts.filter((id) => ids.includes(id)),
    ids,
  )
})
