import { readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
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
  t.deepEqual(await sweep(store, async (id) => usage.get(id), 24 * hour, now), [ended])
  const left = new Set((await readdir(store.folder)).map((name) => name.slice(0, 36)))
  t.deepEqual(left, new Set([inUse, failedAndKept, justEnded]))
  t.is((await readdir(store.folder)).length, 6)
})

test('a file that no task names goes after an hour, which an upload may take', async (t) => {
  const store = await preparedStore(t)
  const fresh = await put(store, hour - 1_000)
  const old = await put(store, hour + 1_000)
  const beingProcessed = await put(store, 2 * hour, 1_000)
  t.deepEqual(await sweep(store, async () => undefined, 0, now), [old])
  t.deepEqual(new Set((await store.list()).map(({ id }) => id)), new Set([fresh, beingProcessed]))
})

test('a sweep of an empty folder removes nothing', async (t) => {
  t.deepEqual(await sweep(await preparedStore(t), async () => undefined, 0, now), [])
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
  const removed = await sweep(afterwork.files, (id) => afterwork.records.file(id), 24 * hour, later)
  t.deepEqual(removed, [works[1]])
  const left = [waits[1], fails[1]].toSorted((a, b) => a.localeCompare(b))
  t.deepEqual(await untilFolder(folder, () => true), left)
})
