import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { decodeArguments } from '../../src/core/value.ts'
import { FileStore } from '../../src/files/store.ts'
import { sweep, type FileUsage } from '../../src/files/sweep.ts'
import { listen, startAfterwork } from '../support/app.ts'
import { temporaryFolder, untilFolder } from '../support/folder.ts'
import { send } from '../support/http.ts'
import { fileForm } from '../support/multipart.ts'
import { tasks } from '../support/tasks.ts'
import { upload } from 'afterwork/upload'

const hour = 3_600_000
const now = Date.now()
const limits = { keep: 24 * hour, keepUnnamed: hour }

async function preparedStore(t: ExecutionContext): Promise<FileStore> {
  const store = new FileStore(join(await temporaryFolder(t), 'files'))
  store.prepare()
  return store
}

/** A file of a given age, with a variant of another. */
async function put(store: FileStore, age: number, variantAge?: number): Promise<string> {
  const id = store.newId()
  const write = async (name: string, ago: number) => {
    await writeFile(join(store.folder, name), '')
    await utimes(join(store.folder, name), new Date(now - ago), new Date(now - ago))
  }
  await write(id, age)
  if (variantAge !== undefined) await write(`${id}.w160.webp`, variantAge)
  return id
}

test('a file that a task needs stays, however old; one whose tasks ended stays for `keep` and goes with its variants', async (t) => {
  const store = await preparedStore(t)
  const usage = new Map<string, FileUsage>()
  const add = async (use: FileUsage) => {
    const id = await put(store, 1_000 * hour, 1_000 * hour)
    usage.set(id, use)
    return id
  }
  const inUse = await add({ inUse: true, endedAt: null })
  const failedAndKept = await add({ inUse: true, endedAt: now - 900 * hour })
  const justEnded = await add({ inUse: false, endedAt: now - 24 * hour })
  const ended = await add({ inUse: false, endedAt: now - 24 * hour - 1 })
  t.deepEqual(await sweep(store, async (id) => usage.get(id), limits, { now }), [ended])
  const left = (await store.list()).map(({ id }) => id)
  t.deepEqual(left.toSorted(), [inUse, failedAndKept, justEnded].toSorted())
  t.is((await readdir(store.folder)).length, 6)
})

test('a file that no task names goes after an hour, which an upload may take', async (t) => {
  const store = await preparedStore(t)
  const fresh = await put(store, hour - 1_000)
  const old = await put(store, hour + 1_000)
  const beingProcessed = await put(store, 2 * hour, 1_000)
  t.deepEqual(await sweep(store, async () => undefined, limits, { now }), [old])
  const left = (await store.list()).map(({ id }) => id)
  t.deepEqual(left.toSorted(), [fresh, beingProcessed].toSorted())
})

test('a file of a request that is under way stays, however long it takes', async (t) => {
  const store = await preparedStore(t)
  const id = store.newId()
  await store.receive(id, Readable.from(['content']))
  const later = { now: Date.now() + 100 * hour }
  t.deepEqual(await sweep(store, async () => undefined, limits, later), [])
  store.release(id)
  t.deepEqual(await sweep(store, async () => undefined, limits, later), [id])
})

test('what a kill left of a variant goes after an hour, though its file stays', async (t) => {
  const store = await preparedStore(t)
  const id = await put(store, 2 * hour, 2 * hour)
  const [left, beingWritten] = [`${id}.w640.webp.one.tmp`, `${id}.w640.webp.two.tmp`]
  for (const name of [left, beingWritten]) await writeFile(join(store.folder, name), '')
  const old = new Date(now - hour - 1)
  await utimes(join(store.folder, left), old, old)
  t.deepEqual(await sweep(store, async () => ({ inUse: true, endedAt: null }), limits, { now }), [])
  const names = (await readdir(store.folder)).toSorted()
  t.deepEqual(names, [id, `${id}.w160.webp`, beingWritten].toSorted())
})

test('one that cannot be removed is told of, and does not keep the others', async (t) => {
  const store = await preparedStore(t)
  const stuck = store.newId()
  await mkdir(join(store.folder, stuck))
  await utimes(join(store.folder, stuck), new Date(0), new Date(0))
  for (let count = 0; count < 3; count++) await put(store, 2 * hour)
  await t.throwsAsync(
    sweep(store, async () => undefined, limits, { now }),
    { message: /unlink/ },
  )
  t.deepEqual(await readdir(store.folder), [stuck])
})

test('a sweep that is ended removes nothing more', async (t) => {
  const store = await preparedStore(t)
  for (let count = 0; count < 3; count++) await put(store, 2 * hour)
  const ending = new AbortController()
  const usageOf = async () => ending.abort() as undefined
  t.is((await sweep(store, usageOf, limits, { now, signal: ending.signal })).length, 1)
  t.is((await readdir(store.folder)).length, 2)
})

test('a sweep of an empty folder removes nothing', async (t) => {
  t.deepEqual(await sweep(await preparedStore(t), async () => undefined, limits, { now }), [])
})

test('the queue knows what is in use: queued, running and failed tasks keep their files', async (t) => {
  const folder = join(await temporaryFolder(t), 'files')
  const { afterwork, events } = await startAfterwork(t, { files: folder })
  const { url } = await listen(t, afterwork, (app) =>
    app.use(async (ctx) => {
      await upload({ afterwork }).single('file')(ctx as never, async () => {
        const { file } = ctx as unknown as { file: never }
        const [task, arg] =
          ctx.path === '/fails'
            ? [tasks.steps.fail, file]
            : [ctx.path === '/waits' ? tasks.steps.echo.with({ delay: '1h' }) : tasks.steps.echo, file]
        ctx.body = `${ctx.background.addTask(task, arg).id} ${(file as { id: string }).id}`
      })
    }),
  )
  const add = async (path: string) =>
    (await send(url + path, fileForm('content'))).text.split(' ') as [string, string]
  const waits = await add('/waits')
  const fails = await add('/fails')
  const works = await add('/works')
  t.is(await events.ended(fails[0]), 'failed')
  t.is(await events.ended(works[0]), 'succeeded')

  const later = Date.now() + 48 * hour
  const removed = await sweep(afterwork.files, (id) => afterwork.records.file(id), limits, { now: later })
  t.deepEqual(removed, [works[1]])
  const left = [waits[1], fails[1]].toSorted()
  t.deepEqual(await untilFolder(folder, () => true), left)

  // What is forgotten by hand takes its file along, unless others name it.
  await afterwork.purge(fails[0])
  t.deepEqual(await untilFolder(folder, () => true), [waits[1]])
  const again = await add('/fails')
  await events.ended(again[0])
  const { args } = (await afterwork.records.get(again[0]))!
  await afterwork.addTask(tasks.steps.echo.with({ delay: '1h' }), ...(decodeArguments(args) as [never]))
  await afterwork.purge(again[0])
  t.deepEqual(await untilFolder(folder, () => true), [waits[1], again[1]].toSorted())
})
