import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { bodyParser } from '@koa/bodyparser'
import type { Context } from 'koa'
import Koa from 'koa'
import { problems, type AfterworkOptions, type IdempotencyOptions } from 'afterwork'
import { upload } from 'afterwork/upload'
import test from 'ava'
import { listen, startAfterwork, startApp, type TestApp } from '../support/app.ts'
import { temporaryFolder, untilFolder } from '../support/folder.ts'
import { post, send, type Sending } from '../support/http.ts'
import { boundary, fileForm } from '../support/multipart.ts'
import { tasks } from '../support/tasks.ts'

type Ending = Parameters<typeof startApp>[0]

/** An app whose one handler runs behind idempotency() and a body parser; `calls` counts it. */
async function start(
  t: Ending,
  handle: (ctx: Context) => unknown,
  { keys, options }: { keys?: IdempotencyOptions; options?: Partial<AfterworkOptions> } = {},
): Promise<TestApp & { calls: number }> {
  const started = { calls: 0 }
  const app = await startApp(
    t,
    (koa, afterwork) => {
      koa.use(afterwork.idempotency(keys))
      koa.use(bodyParser())
      koa.use(async (ctx) => {
        started.calls++
        await handle(ctx)
      })
    },
    options,
  )
  return Object.assign(started, app)
}

/** Adds a task and answers 202. */
function accept(ctx: Context): void {
  const { id } = ctx.background.addTask(tasks.steps.echo, ctx.request.body)
  ctx.status = 202
  ctx.set('Location', `/tasks/${id}`)
  ctx.body = { id }
}

/** An app whose handler tells that it is `inside`, and accepts once it may: `open()`. */
async function startGated(t: Ending) {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const { promise: inside, resolve: arrive } = Promise.withResolvers<void>()
  const app = await start(t, async (ctx) => {
    arrive()
    await gate
    accept(ctx)
  })
  return { app, inside, open }
}

const key = { 'Idempotency-Key': '"8e03978e-40d5-43dd-bc93-6894a57f9324"' }

test('the same request with a key is done once, and answered the same again', async (t) => {
  const app = await start(t, accept)
  const first = await post(app.url, { to: 'ada' }, key)
  const again = await post(app.url, { to: 'ada' }, key)
  t.is(first.status, 202)
  t.is(first.headers['idempotency-replayed'], undefined)
  t.is(again.status, 202)
  t.is(again.text, first.text)
  t.is(again.headers.location, first.headers.location)
  t.is(again.headers['content-type'], first.headers['content-type'])
  t.is(again.headers['idempotency-replayed'], 'true')
  t.is(app.calls, 1)
  await app.events.ended(first.json.id)
  t.is(app.events.of('task.added').length, 1)
})

test('a key may stand without quotes, is one of its scope, and says nothing of other methods', async (t) => {
  const app = await start(t, accept)
  const bare = { 'Idempotency-Key': key['Idempotency-Key'].slice(1, -1) }
  await post(app.url, {}, key)
  t.is((await post(app.url, {}, bare)).headers['idempotency-replayed'], 'true')
  const other = await post(app.url, {}, { ...key, Authorization: 'Bearer other' })
  t.is(other.headers['idempotency-replayed'], undefined)
  for (let times = 2; times > 0; times--) await send(app.url, { headers: key })
  t.is(app.calls, 4)
})

test('a key that is used for another request is refused, and nothing is done', async (t) => {
  const app = await start(t, accept)
  await post(app.url, { to: 'ada' }, key)
  const different = [
    await post(app.url, { to: 'eve' }, key),
    await post(`${app.url}/?to=eve`, { to: 'ada' }, key),
    await send(app.url, {
      method: 'POST',
      headers: { ...key, 'Content-Type': 'text/plain' },
      body: '{"to":"ada"}',
    }),
    await send(app.url, { method: 'POST', headers: key }),
  ]
  for (const { status, json } of different) t.deepEqual([status, json.code], [422, 'IDEMPOTENCY_KEY_REUSED'])
  t.is(app.calls, 1)
})

test('a key that makes no sense is refused', async (t) => {
  const app = await start(t, accept)
  for (const wrong of ['""', 'a,b', 'two words', 'x'.repeat(256), '"open', '\u00e9']) {
    const { status, json } = await post(app.url, {}, { 'Idempotency-Key': wrong })
    t.deepEqual([status, json.code], [400, 'BAD_IDEMPOTENCY_KEY'], wrong)
  }
  t.is(app.calls, 0)
})

test('while a request goes on, its key is refused with 409; then it has the answer', async (t) => {
  const { app, inside, open } = await startGated(t)
  const first = post(app.url, {}, key)
  await inside
  const second = await post(app.url, {}, key)
  t.deepEqual([second.status, second.json.code], [409, 'IDEMPOTENCY_IN_FLIGHT'])
  t.is(second.headers['retry-after'], '1')
  open()
  const { text } = await first
  t.is((await post(app.url, {}, key)).text, text)
  t.is(app.calls, 1)
})

test('a client that goes away meanwhile gets the answer when it asks again', async (t) => {
  const { app, inside, open } = await startGated(t)
  const cut = request(app.url, { method: 'POST', headers: { ...key, 'Content-Type': 'application/json' } })
  cut.on('error', () => {})
  cut.end('{}')
  await inside
  cut.destroy()
  t.is((await post(app.url, {}, key)).status, 409)
  open()
  const { id } = await app.events.until('task.succeeded')
  const again = await post(app.url, {}, key)
  t.is(again.headers['idempotency-replayed'], 'true')
  t.is(again.json.id, id)
  t.is(app.calls, 1)
})

for (const status of [429, 500, 503] as const) {
  test(`an answer of ${status} is not kept: the request can be made again`, async (t) => {
    let refuse = true
    const app = await start(t, (ctx) => {
      if (!refuse) return accept(ctx)
      ctx.status = status
      ctx.body = 'not now'
    })
    t.is((await post(app.url, {}, key)).status, status)
    refuse = false
    const second = await post(app.url, {}, key)
    t.deepEqual([second.status, second.headers['idempotency-replayed']], [202, undefined])
  })
}

test('what a handler throws is not kept, unless it is made an answer behind idempotency()', async (t) => {
  const app = await start(t, (ctx) => ctx.throw(422, 'no such thing'))
  for (let times = 2; times > 0; times--) t.is((await post(app.url, {}, key)).status, 422)
  t.is(app.calls, 2)

  let calls = 0
  const { url } = await startApp(t, (koa, afterwork) => {
    koa.use(afterwork.idempotency())
    koa.use(problems())
    koa.use((ctx) => {
      calls++
      ctx.throw(422, 'no such thing')
    })
  })
  const [first, again] = [await post(url, {}, key), await post(url, {}, key)]
  t.deepEqual([again.status, again.text, calls], [422, first.text, 1])
  t.is(again.headers['content-type'], 'application/problem+json')
})

test('a queue that is full keeps nothing, and the request can be made again', async (t) => {
  const app = await start(t, accept, { options: { maxQueued: 1 } })
  const { id } = await app.afterwork.addTask(tasks.steps.echo.with({ delay: '1h' }), 1)
  const full = await post(app.url, {}, key)
  t.deepEqual([full.status, full.json.code], [503, 'AFTERWORK_QUEUE_FULL'])
  await app.afterwork.cancel(id)
  t.is((await post(app.url, {}, key)).status, 202)
})

test('a form is the same whatever its boundary; its files are compared by name and content', async (t) => {
  const folder = join(await temporaryFolder(t), 'files')
  const { afterwork } = await startAfterwork(t, { files: folder })
  let calls = 0
  const { url } = await listen(t, afterwork, (koa) => {
    koa.use(afterwork.idempotency())
    koa.use(upload({ afterwork }).single('file'))
    koa.use((ctx) => {
      calls++
      ctx.body = ctx.background.addTask(tasks.steps.echo.with({ delay: '1h' }), ctx['file']).id
    })
  })
  // A part of the boundary at the end of a chunk is no boundary.
  const content = `line\r\n--${boundary.slice(0, 8)}`.repeat(20_000)
  const form = fileForm(content, 'a.txt')
  const first = await send(url, withKey(form))
  t.is(first.status, 200)
  const again = await send(url, withKey(withBoundary(form, 'quite-another')))
  t.deepEqual([again.status, again.text, again.headers['idempotency-replayed']], [200, first.text, 'true'])
  for (const other of [fileForm(content, 'b.txt'), fileForm(`${content}.`, 'a.txt'), fileForm('', 'a.txt')])
    t.is((await send(url, withKey(other))).json.code, 'IDEMPOTENCY_KEY_REUSED')
  t.is(calls, 1)
  // What was sent again is not stored again.
  await untilFolder(folder, (names) => names.length === 1)
  t.is((await readdir(folder)).length, 1)
})

test('bytes come back as bytes, no content as none, a stream not at all', async (t) => {
  const bodies: Record<string, unknown> = {
    bytes: Buffer.from([0, 255, 1]),
    none: null,
    text: 'grün',
    stream: () => Readable.from(['never', 'again']),
  }
  const app = await start(t, (ctx) => {
    const body = bodies[ctx.path.slice(1)]
    ctx.body = typeof body === 'function' ? (body as () => unknown)() : body
  })
  for (const path of ['bytes', 'none', 'text']) {
    const [first, again] = [
      await post(`${app.url}/${path}`, {}, keyOf(path)),
      await post(`${app.url}/${path}`, {}, keyOf(path)),
    ]
    t.is(again.headers['idempotency-replayed'], 'true')
    t.deepEqual(
      [again.status, again.body, again.headers['content-type']],
      [first.status, first.body, first.headers['content-type']],
    )
  }
  t.is((await post(`${app.url}/stream`, {}, key)).text, 'neveragain')
  const gone = await post(`${app.url}/stream`, {}, key)
  t.deepEqual([gone.status, gone.json.code], [409, 'IDEMPOTENCY_ANSWER_GONE'])
  t.is(app.calls, 4)
})

test('cookies of the first answer are not given again', async (t) => {
  const app = await start(t, (ctx) => {
    ctx.cookies.set('session', 'secret')
    ctx.body = 'hello'
  })
  t.truthy((await post(app.url, {}, key)).headers['set-cookie'])
  t.is((await post(app.url, {}, key)).headers['set-cookie'], undefined)
})

test('a body that no handler reads is compared as well, unless it is very long', async (t) => {
  let calls = 0
  const { url } = await startApp(t, (koa, afterwork) => {
    koa.use(afterwork.idempotency())
    koa.use((ctx) => {
      calls++
      ctx.body = 'unread'
    })
  })
  const body = Buffer.alloc(100_000, 1)
  const sent: Sending = { method: 'POST', headers: key, body }
  await send(url, sent)
  t.is((await send(url, sent)).headers['idempotency-replayed'], 'true')
  t.is((await send(url, { ...sent, body: Buffer.alloc(100_000, 2) })).status, 422)
  const long: Sending = { method: 'POST', headers: keyOf('long'), body: Buffer.alloc(3_000_000) }
  for (let times = 2; times > 0; times--) t.is((await send(url, long)).text, 'unread')
  t.is(calls, 3)
})

test('an answer is kept for as long as was said', async (t) => {
  const app = await start(t, accept, { keys: { keep: 1 } })
  await post(app.url, {}, key)
  await wait(5)
  t.is((await post(app.url, {}, key)).headers['idempotency-replayed'], undefined)
  t.is(app.calls, 2)
})

test('many requests with one key at once are done once', async (t) => {
  const app = await start(t, accept)
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(app.url, {}, key)))
  const done = answers.filter(({ status }) => status === 202)
  t.true(done.length > 0)
  t.is(new Set(done.map(({ text }) => text)).size, 1)
  t.true(answers.every(({ status }) => status === 202 || status === 409))
  t.is(app.calls, 1)
})

test('after a restart the answer is still there', async (t) => {
  const queue = `sqlite:${await temporaryFolder(t)}/queue.db`
  const first = await start(t, accept, { options: { queue } })
  const { text } = await post(first.url, {}, key)
  await first.afterwork.stop()
  const second = await start(t, accept, { options: { queue } })
  t.is((await post(second.url, {}, key)).text, text)
  t.is(second.calls, 0)
})

test('without the middleware before it, it says so', async (t) => {
  const { afterwork } = await startAfterwork(t)
  const errors: Error[] = []
  const app = new Koa()
  app.on('error', (error: Error) => errors.push(error))
  app.use(afterwork.idempotency())
  const server = app.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  t.is((await post(`http://127.0.0.1:${port}`, {}, key)).status, 500)
  t.like(errors[0], { code: 'AFTERWORK_NO_REQUEST' })
})

function keyOf(name: string): Record<string, string> {
  return { 'Idempotency-Key': name }
}

function withKey(form: Sending): Sending {
  return { ...form, headers: { ...form.headers, ...key } }
}

function withBoundary(form: { body: Buffer; method: string }, other: string): Sending {
  const body = Buffer.from(
    form.body
      .toString('latin1')
      .replaceAll(`--${boundary}\r\n`, `--${other}\r\n`)
      .replaceAll(`--${boundary}--`, `--${other}--`),
    'latin1',
  )
  return {
    method: form.method,
    body,
    headers: { 'Content-Type': `multipart/form-data; boundary="${other}"` },
  }
}
