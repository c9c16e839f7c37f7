import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { background, createAfterwork, type Afterwork, type StoredFile, type TaskDocument } from 'afterwork'
import { upload } from 'afterwork/upload'
import test from 'ava'
import type { Context } from 'koa'
import { tasks } from './promises/tasks.ts'
import { listen, quick, startAfterwork, startApp } from './support/app.ts'
import { Endings } from './support/endings.ts'
import type { EventLog } from './support/events.ts'
import { temporaryFolder } from './support/folder.ts'
import { startGate, type Gate } from './support/gate.ts'
import { post, send } from './support/http.ts'
import { fileForm } from './support/multipart.ts'
import { command } from './support/process.ts'
import { startMailbox } from './support/smtp.ts'

const { echo, fail, failUntil, pass, read } = tasks.lives
const endings = new Endings()
let afterwork: Afterwork
let events: EventLog
let gate: Gate
test.before(async () => {
  ;({ afterwork, events } = await startAfterwork(endings, { tasks }))
  gate = await startGate(endings)
})
test.after.always(() => endings.run())

/** The ids of what a handler adds, once its answer is here. */
async function request(t: Parameters<typeof listen>[0], handle: (ctx: Context) => { id: string }[]) {
  let ids: string[] = []
  const { url, errors } = await listen(t, afterwork, (app) =>
    app.use((ctx) => {
      ids = handle(ctx).map(({ id }) => id)
      ctx.body ??= 'sent'
    }),
  )
  return { answer: await send(url), ids, errors }
}

test('kept: plain functions, sync and async, run after the response in the order in which they were added', async (t) => {
  const happened: string[] = []
  const { ids } = await request(t, (ctx) => {
    ctx.res.once('close', () => happened.push('response'))
    const write = (line: string) => void happened.push(line)
    return [
      ctx.background.addLocal(write, 'first'),
      ctx.background.addLocal(async (line: string) => {
        await events.ended((await afterwork.addTask(echo)).id)
        happened.push(line)
      }, 'second'),
      ctx.background.addLocal(write, 'third'),
    ]
  })
  await events.ended(ids[2]!)
  t.deepEqual(happened, ['response', 'first', 'second', 'third'])
})

test('kept: whoever handles the request adds to the same list, a dependency as well as the handler', async (t) => {
  const order: string[] = []
  const { url } = await listen(t, afterwork, (app) => {
    app.use(async (ctx, next) => {
      ctx.background.addLocal(() => order.push('a middleware'))
      await next()
    })
    app.use((ctx) => {
      const dependency = () => background().addLocal(() => order.push('a dependency'))
      dependency()
      ctx.body = ctx.background.addLocal(() => order.push('the handler')).id
    })
  })
  await events.ended((await send(url)).text)
  t.deepEqual(order, ['a middleware', 'a dependency', 'the handler'])
})

test('kept: tasks are dropped when the handler throws; bettered: the log says so, and keepOnError keeps one', async (t) => {
  const { ids, answer } = await request(t, (ctx) => {
    const added = [ctx.background.addTask(echo), ctx.background.addTask(echo.with({ keepOnError: true }))]
    Object.assign(ctx, { status: 409, body: 'refused' })
    return added
  })
  t.is(answer.status, 409)
  t.is(await events.ended(ids[1]!), 'succeeded')
  t.deepEqual(events.life(ids[0]!), ['task.dropped'])

  let thrown = ''
  const throwing = await request(t, (ctx) => {
    thrown = ctx.background.addTask(echo).id
    throw new Error('no')
  })
  t.is(throwing.answer.status, 500)
  t.deepEqual(events.life(thrown), ['task.dropped'])
})

test('bettered: a task that throws drops none of the later ones, unless they ask for it', async (t) => {
  const { ids, answer, errors } = await request(t, (ctx) => [
    ctx.background.addTask(fail, 'no'),
    ctx.background.addTask(echo.with({ onlyAfterSuccess: true })),
    ctx.background.addTask(echo),
    ctx.background.addLocal(() => {
      throw new Error('nor this')
    }),
    ctx.background.addTask(echo),
  ])
  t.is(await events.ended(ids[4]!), 'succeeded')
  t.is(await events.ended(ids[2]!), 'succeeded')
  t.is((await afterwork.records.get(ids[1]!))?.state, 'cancelled')
  t.is(answer.status, 200)
  t.deepEqual(errors, [])
})

test('bettered: an answer that is a Response of its own drops nothing that was added', async (t) => {
  const { ids, answer } = await request(t, (ctx) => {
    const added = [ctx.background.addTask(echo, 'by a dependency')]
    ctx.body = new Response('a Response of its own')
    return [...added, ctx.background.addTask(echo, 'with the Response')]
  })
  t.is(answer.text, 'a Response of its own')
  t.is(await events.ended(ids[0]!), 'succeeded')
  t.is(await events.ended(ids[1]!), 'succeeded')
})

test('kept, with the queue in memory: kill -9 loses what had not ended', async (t) => {
  const mailbox = await startMailbox(t)
  const folder = await temporaryFolder(t)
  const serve = ['serve', '--port', '0']
  const env = { SMTP_URL: mailbox.url(), AFTERWORK_QUEUE: 'memory:' }
  const before = await command(t, serve, env, folder)
  const url = await before.listening()
  const mail = { to: 'slow@example.org', subject: 's', text: 't' }
  const { href } = (await post(`${url}/send-email`, mail)).json.tasks[0] as { href: string }
  await mailbox.askedFor('slow@example.org')
  t.is((await send(url + href)).json.state, 'running')
  before.child.kill('SIGKILL')
  await before.ended

  const after = await command(t, serve, env, folder)
  t.is((await send((await after.listening()) + href)).status, 404)
})

test('bettered: a task has an id, a status, retries and a timeout', async (t) => {
  const own = await startApp(t, (app, runtime) => app.use(runtime.routes()), { tasks })
  const show = async (id: string): Promise<TaskDocument> => (await send(`${own.url}/tasks/${id}`)).json
  const retried = await own.afterwork.addTask(failUntil.with({ retries: 1, backoff: { first: 1 } }), 2)
  await own.events.ended(retried.id)
  t.like(await show(retried.id), { name: 'lives.failUntil', state: 'succeeded', attempt: 2, result: 2 })
  const late = await own.afterwork.addTask(pass.with({ timeout: 50 }), gate.url('too late'))
  t.is(await own.events.ended(late.id), 'failed')
  t.like(await show(late.id), { state: 'failed', error: { code: 'AFTERWORK_TIMED_OUT' } })
})

test('bettered: how many may wait is limited; past it the client is told to try again later', async (t) => {
  const own = await startApp(
    t,
    (app) =>
      app.use((ctx) => {
        ctx.background.addTask(echo.with({ delay: '1h' }))
        ctx.status = 202
      }),
    { tasks, maxQueued: 1 },
  )
  t.is((await send(own.url)).status, 202)
  const { status, headers } = await send(own.url)
  t.deepEqual([status, headers['retry-after']], [503, '1'])
})

test('bettered: requests share no threads with tasks, and are answered while all of those are taken', async (t) => {
  const own = createAfterwork({ ...quick, tasks })
  t.teardown(() => own.stop())
  await own.start()
  const { url } = await listen(t, own, (app) =>
    app.use((ctx) => {
      if (ctx.path !== '/ping') ctx.background.addTask(pass, gate.url(ctx.path))
      ctx.body = 'pong'
    }),
  )
  for (const path of ['/a', '/b', '/c', '/d']) await send(url + path)
  await Promise.all([gate.arrival('/a'), gate.arrival('/b')])
  for (let count = 0; count < 100; count++) t.is((await send(`${url}/ping`)).text, 'pong')
  t.like(await own.records.counters(), { running: 2, queued: 2 })
})

test('bettered: an upload is on disk for as long as a task needs it, not closed with the request', async (t) => {
  const files = join(await temporaryFolder(t), 'files')
  let seen = ''
  const own = await startApp(
    t,
    (app, runtime) => {
      app.use(upload({ afterwork: runtime }).single('file'))
      app.use((ctx) => {
        const { file } = ctx as unknown as { file: StoredFile }
        ctx.background.addLocal(async () => {
          seen = await readFile(file.path, 'utf8')
        })
        ctx.body = ctx.background.addTask(read, file).id
      })
    },
    { tasks, files },
  )
  const { text: id } = await send(own.url, fileForm('the content'))
  t.is(await own.events.ended(id), 'succeeded')
  t.is((await own.afterwork.records.get(id))?.result, '"the content"')
  t.is(seen, 'the content')
})
