import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { problems } from 'afterwork'
import { upload } from 'afterwork/upload'
import test, { type ExecutionContext } from 'ava'
import Koa from 'koa'
import { Events } from '../../src/core/events.ts'
import { FileStore } from '../../src/files/store.ts'
import { backgroundMiddleware } from '../../src/koa/middleware.ts'
import { LocalPool } from '../../src/pool/local.ts'
import { Intake } from '../../src/queue/intake.ts'
import { death } from '../queue/sqlite/death.ts'
import { openQueue } from '../queue/sqlite/opened.ts'
import { SlowQueue } from '../queue/sqlite/slow-queue.ts'
import { isEmpty, temporaryFolder, untilFolder } from '../support/folder.ts'
import { send } from '../support/http.ts'
import { fileForm } from '../support/multipart.ts'
import { tasks } from './tasks.ts'

const { echo, read } = tasks.lives

/** An app whose queue can be slow, or die; `/shared` adds a unique task, `/upload` one that names a file. */
async function app(t: ExecutionContext, commitTimeout: number) {
  const queue = await openQueue(t, { Engine: SlowQueue })
  const engine = queue.engine as SlowQueue
  const events = new Events()
  const files = new FileStore(join(await temporaryFolder(t), 'files'))
  const ids: string[] = []
  let look = (): void => {}
  const add = (id: string): void => {
    ids.push(id)
    look()
  }
  /** Resolves once so many tasks were added and are on their way to the disk. */
  const untilAdded = async (count: number): Promise<void> => {
    while (ids.length < count) await new Promise<void>((resolve) => (look = resolve))
    await new Promise((resolve) => setImmediate(resolve))
    await queue.counters()
  }
  const listen = async (timeout: number): Promise<string> => {
    const intake = new Intake(engine, events, import.meta.resolve('./tasks.ts'), timeout)
    intake.open(new Set(['lives.echo', 'lives.read']), new Set(['cpu']))
    const koa = new Koa()
    koa.use(problems())
    koa.use(backgroundMiddleware({ intake, local: new LocalPool(), records: engine, files, events }))
    const single = upload({ afterwork: { files } }).single('file')
    koa.use(async (ctx, next) => {
      if (ctx.path !== '/upload') return next()
      await single(ctx as never, async () => {
        add(ctx.background.addTask(read, ctx['file']).id)
        ctx.status = 202
      })
    })
    koa.use((ctx) => {
      if (ctx.path === '/upload') return
      const task = ctx.path === '/shared' ? echo.with({ unique: 'key' }) : echo
      add(ctx.background.addTask(task).id)
      ctx.status = 202
    })
    const handle = koa.callback()
    const server = createServer((request, response) => void handle(request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  return { queue, engine, files, ids, untilAdded, url: await listen(commitTimeout), listen }
}

function refusedWith(t: ExecutionContext, answer: Awaited<ReturnType<typeof send>>, code: string): void {
  t.is(answer.status, 503)
  t.regex(answer.headers['content-type']!, /^application\/problem\+json/)
  t.is(answer.headers['retry-after'], '1')
  t.like(answer.json, { status: 503, code })
}

test('202 means on disk: a commit in time or a 503, and what comes too late is removed with its upload', async (t) => {
  const { queue, engine, files, ids, url } = await app(t, 1)
  engine.hold()
  refusedWith(t, await send(`${url}/upload`, fileForm('content')), 'AFTERWORK_QUEUE_TIMEOUT')
  t.is((await queue.counters())['queued'], 1)
  const [stored] = await files.list()
  t.true((await engine.file(stored!.id))?.inUse)
  t.deepEqual(await queue.claim(), [])
  engine.answer()
  await untilFolder(files.folder, isEmpty)
  t.is(await engine.get(ids[0]!), undefined)
  t.deepEqual(await queue.counters(), {})
  t.deepEqual(await queue.claim(), [])
})

test('202 means on disk: a unique task whose own request timed out runs for the request that shares it', async (t) => {
  const { queue, engine, ids, untilAdded, url, listen } = await app(t, 1)
  const patient = await listen(60_000)
  engine.hold()
  refusedWith(t, await send(`${url}/shared`), 'AFTERWORK_QUEUE_TIMEOUT')
  const accepted = send(`${patient}/shared`)
  await untilAdded(2)
  engine.answer()
  t.is((await accepted).status, 202)
  t.is((await queue.next()).id, ids[0]!)
  t.is((await engine.get(ids[1]!))?.id, ids[0])
})

for (const [moment, when] of [
  ['before', death.beforeCommit],
  ['after', death.afterCommit],
] as const) {
  test(`202 means on disk: where the store dies ${moment} the commit the answer is a 503, and nothing is kept`, async (t) => {
    const { queue, engine, files, ids, url } = await app(t, 60_000)
    queue.dieAt(when)
    refusedWith(t, await send(`${url}/upload`, fileForm('content')), 'AFTERWORK_QUEUE_FAILED')
    await untilFolder(files.folder, isEmpty)
    t.is(await engine.get(ids[0]!), undefined)
    t.deepEqual(await queue.counters(), {})
    t.is((await send(`${url}/upload`, fileForm('content'))).status, 202)
    t.is((await queue.next()).id, ids[1]!)
  })
}

test('202 means on disk: a store that dies again and again makes every answer a 503, and the process lives', async (t) => {
  const { queue, files, url } = await app(t, 60_000)
  t.is((await send(url)).status, 202)
  queue.dieAt(death.atStart)
  await queue.stores[0]!.terminate()
  for (let time = 0; time < 3; time++) {
    refusedWith(t, await send(`${url}/upload`, fileForm('content')), 'AFTERWORK_QUEUE_FAILED')
  }
  t.regex(queue.errors.at(-1)!.error.message, /dies again and again/)
  await untilFolder(files.folder, isEmpty)
})
