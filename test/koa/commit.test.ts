import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { Afterwork, AfterworkError } from 'afterwork'
import test from 'ava'
import type { Context } from 'koa'
import { listen, startAfterwork, startApp } from '../support/app.ts'
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

/** An app with one handler. */
function handling(t: Parameters<typeof listen>[0], handle: (ctx: Context) => unknown) {
  return listen(t, afterwork, (app) => app.use((ctx) => handle(ctx) as Promise<void>))
}

/** Adds a task that gives back `value`. */
function add(ctx: Context, value: unknown = null): string {
  return ctx.background.addTask(tasks.steps.echo, value).id
}

async function anotherTaskRan(): Promise<void> {
  const { id } = await afterwork.addTask(tasks.steps.echo)
  await events.ended(id)
}

async function head(url: string): Promise<IncomingMessage> {
  const [incoming] = (await once(get(url, { agent: false }), 'response')) as [IncomingMessage]
  return incoming
}

test('with ctx.respond = false, what was committed runs once the answer of its own has closed', async (t) => {
  let id = ''
  let finish = (): void => {}
  const { url } = await handling(t, async (ctx) => {
    id = add(ctx)
    await ctx.background.commit()
    ctx.respond = false
    finish = () => void ctx.res.end(' last')
    ctx.res.writeHead(200).write('first')
  })
  const incoming = await head(url)
  await once(incoming, 'data')
  await anotherTaskRan()
  t.deepEqual(events.life(id), ['task.added'])
  finish()
  incoming.resume()
  t.is(await events.ended(id), 'succeeded')
})

test('with ctx.respond = false and nothing sent or committed, the tasks are dropped, and the reason says what to do', async (t) => {
  let id = ''
  const { url } = await handling(t, (ctx) => {
    id = add(ctx)
    ctx.respond = false
    setImmediate(() => ctx.res.writeHead(200).end('later'))
  })
  t.is((await send(url)).text, 'later')
  const { reason } = await events.until('task.dropped', (event) => event.id === id)
  t.regex(reason, /ctx\.respond is false and nothing was sent yet: use `await ctx\.background\.commit\(\)`/)
})

test('with ctx.respond = false and an answer sent by the handler itself, its status decides', async (t) => {
  const ids: string[] = []
  const { url } = await handling(t, (ctx) => {
    ids.push(add(ctx))
    ctx.respond = false
    ctx.res.writeHead(ctx.path === '/good' ? 201 : 409).end()
  })
  t.is((await send(`${url}/good`)).status, 201)
  t.is(await events.ended(ids[0]!), 'succeeded')
  t.is((await send(`${url}/bad`)).status, 409)
  t.is((await events.until('task.dropped', (event) => event.id === ids[1])).reason, 'the answer was 409')
})

test('tasks committed before headers are flushed run after the last byte of the stream', async (t) => {
  let id = ''
  let context: Context | undefined
  let goOn = (): void => {}
  const { url } = await handling(t, async (ctx) => {
    id = add(ctx)
    await ctx.background.commit()
    ctx.status = 200
    ctx.flushHeaders()
    context = ctx
    await new Promise<void>((resolve) => (goOn = resolve))
    ctx.body = 'the whole answer'
  })
  const incoming = await head(url)
  t.is(incoming.statusCode, 200)
  await anotherTaskRan()
  t.deepEqual(events.life(id), ['task.added'])
  goOn()
  const [chunk] = (await once(incoming, 'data')) as [Buffer]
  t.is(chunk.toString(), 'the whole answer')
  t.is(await events.ended(id), 'succeeded')
  t.true(context!.res.writableFinished)
})

test('a task added after the headers went out is refused, with a sentence that says what to do', async (t) => {
  let refused: AfterworkError | undefined
  let id = ''
  const { url } = await handling(t, async (ctx) => {
    id = add(ctx, 'before')
    await ctx.background.commit()
    ctx.status = 200
    ctx.flushHeaders()
    refused = t.throws<AfterworkError>(() => add(ctx, 'after'))
    ctx.body = 'done'
  })
  t.is((await send(url)).text, 'done')
  t.is(refused!.code, 'AFTERWORK_TOO_LATE')
  t.is(
    refused!.message,
    'steps.echo was added after the response had begun; add it and `await ctx.background.commit()` before, or use `await afterwork.addTask(...)`',
  )
  t.is(await events.ended(id), 'succeeded')
})

test('a task added after the handler returned is refused likewise', async (t) => {
  const { url } = await handling(t, (ctx) => {
    void refusal.then((refuse) => refuse(ctx))
    add(ctx)
    ctx.body = 'done'
  })
  let refuse = (_call: (ctx: Context) => void): void => {}
  const refusal = new Promise<(ctx: Context) => void>((resolve) => (refuse = resolve))
  await send(url)
  const error = await new Promise<AfterworkError>((resolve) =>
    refuse((ctx) => resolve(t.throws<AfterworkError>(() => add(ctx)))),
  )
  t.is(error.code, 'AFTERWORK_TOO_LATE')
  t.regex(
    error.message,
    /add it (before the handler returns|and `await ctx\.background\.commit\(\)` before), or/,
  )
})

test('commit() twice, or with nothing to commit, is one list in one order', async (t) => {
  const ids: string[] = []
  const { url } = await handling(t, async (ctx) => {
    await ctx.background.commit()
    ids.push(add(ctx, 1))
    await ctx.background.commit()
    await ctx.background.commit()
    ids.push(add(ctx, 2))
    await ctx.background.commit()
    ids.push(add(ctx, 3))
    ctx.body = 'done'
  })
  await send(url)
  await events.ended(ids[2]!)
  const starts = events.of('task.started').map(({ id }) => id)
  t.deepEqual(
    starts.filter((id) => ids.includes(id)),
    ids,
  )
  const records = await Promise.all(ids.map((id) => afterwork.records.get(id)))
  t.is(new Set(records.map((record) => record?.group)).size, 1)
})

const failures: [how: string, status: number, act: (ctx: Context) => unknown][] = [
  ['throws', 500, () => Promise.reject(new Error('no'))],
  ['answers 409', 409, (ctx) => (ctx.status = 409)],
]
for (const [how, status, act] of failures) {
  test(`what a handler committed stays when it then ${how}; what it added later is dropped`, async (t) => {
    const ids: string[] = []
    const { url } = await handling(t, async (ctx) => {
      ids.push(add(ctx))
      await ctx.background.commit()
      ids.push(add(ctx))
      return act(ctx)
    })
    t.is((await send(url)).status, status)
    t.is(await events.ended(ids[0]!), 'succeeded')
    t.deepEqual(events.life(ids[1]!), ['task.dropped'])
  })
}

test('a handler that throws after it committed and began to answer cuts the answer off', async (t) => {
  let id = ''
  const { url, errors } = await handling(t, async (ctx) => {
    id = add(ctx)
    await ctx.background.commit()
    ctx.status = 200
    ctx.res.write('half of')
    throw new Error('no more')
  })
  await t.throwsAsync(send(url), { code: 'ECONNRESET' })
  t.is(await events.ended(id), 'succeeded')
  t.is(errors[0]?.message, 'no more')
})

test('commit() after the client has gone releases at once', async (t) => {
  let id = ''
  let committed = (): void => {}
  const life = new Promise<void>((resolve) => (committed = resolve))
  const { url } = await handling(t, async (ctx) => {
    outgoing.destroy()
    await once(ctx.res, 'close')
    id = add(ctx)
    await ctx.background.commit()
    committed()
    await events.ended(id)
    ctx.body = 'nobody reads this'
  })
  const outgoing = get(url, { agent: false })
  outgoing.on('error', () => {})
  await life
  t.is(await events.ended(id), 'succeeded')
})

test('commit() into a full queue rejects in the handler, keeps nothing, and lets it answer as it likes', async (t) => {
  const codes: unknown[] = []
  let localRan = false
  const small = await startApp(
    t,
    (app) =>
      app.use(async (ctx) => {
        add(ctx)
        ctx.background.addLocal(() => (localRan = true))
        if (ctx.path === '/uncaught') await ctx.background.commit()
        else await ctx.background.commit().catch((error: AfterworkError) => codes.push(error.code))
        ctx.background.addTask(tasks.steps.echo, 'one fits')
        ctx.body = 'done without'
      }),
    { maxQueued: 1 },
  )
  const uncaught = await send(`${small.url}/uncaught`)
  t.deepEqual([uncaught.status, uncaught.headers['retry-after']], [503, '1'])
  t.like(uncaught.json, { code: 'AFTERWORK_QUEUE_FULL' })
  t.is((await small.afterwork.records.list({ limit: 9 })).length, 0)

  t.is((await send(`${small.url}/caught`)).text, 'done without')
  t.deepEqual(codes, ['AFTERWORK_QUEUE_FULL'])
  const { id } = await small.events.until('task.succeeded')
  t.is((await small.afterwork.records.get(id))?.result, '["one fits"]')
  t.is((await small.afterwork.records.list({ limit: 9 })).length, 1)
  t.false(localRan)
})

test('the error of a handler is the answer also when its keepOnError tasks find the queue full', async (t) => {
  const small = await startApp(
    t,
    (app) =>
      app.use((ctx) => {
        for (let count = 0; count < 2; count++)
          ctx.background.addTask(tasks.steps.echo.with({ keepOnError: true }))
        ctx.throw(ctx.path === '/own' ? 500 : 409, 'what went wrong')
      }),
    { maxQueued: 1 },
  )
  const conflict = await send(`${small.url}/conflict`)
  t.is(conflict.status, 409)
  t.like(conflict.json, { detail: 'what went wrong' })
  await send(`${small.url}/own`)
  t.deepEqual(
    small.errors.map(({ message }) => message),
    ['what went wrong'],
  )
  const reasons = small.events.of('task.dropped').map(({ reason }) => reason)
  t.is(reasons.length, 4)
  for (const reason of reasons) t.regex(reason, /^the handler threw, and then: The queue is full/)
})
