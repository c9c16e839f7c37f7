import { mkdir, open, readlink, rm, stat, type FileHandle } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Afterwork } from 'afterwork'
import { upload, type StoredFile } from 'afterwork/upload'
import test, { type ExecutionContext } from 'ava'
import sharp from 'sharp'
import { processFile } from '../../workers/files.ts'
import { listen, startAfterwork } from '../support/app.ts'
import type { EventLog } from '../support/events.ts'
import { isEmpty, temporaryFolder, untilFolder } from '../support/folder.ts'
import { send } from '../support/http.ts'
import { boundary, fileForm } from '../support/multipart.ts'
import { tasks } from '../support/tasks.ts'

/** What fsync(2) was called on, as `path bytes`; `before` may hold a call up, or fail it. */
async function watchSync(
  t: ExecutionContext,
  before: (path: string) => Promise<void> = async () => {},
): Promise<string[]> {
  const synced: string[] = []
  const handle = await open(import.meta.filename)
  const prototype = Object.getPrototypeOf(handle) as FileHandle
  await handle.close()
  const sync = Reflect.get(prototype, 'sync') as (this: FileHandle) => Promise<void>
  prototype.sync = async function watched(this: FileHandle) {
    const path = await readlink(`/proc/self/fd/${this.fd}`)
    await before(path)
    await sync.call(this)
    const entry = await stat(path)
    synced.push(entry.isDirectory() ? path : `${path} ${entry.size}`)
  }
  t.teardown(() => {
    prototype.sync = sync
  })
  return synced
}

async function app(
  t: ExecutionContext,
  handle: (file: StoredFile) => void = () => {},
): Promise<{ url: string; folder: string; afterwork: Afterwork; events: EventLog; errors: Error[] }> {
  const folder = join(await temporaryFolder(t), 'files')
  const { afterwork, events } = await startAfterwork(t, { files: folder })
  const { url, errors } = await listen(t, afterwork, (koa) => {
    const single = upload({ afterwork }).single('file')
    koa.use((ctx) =>
      single(ctx as never, async () => {
        handle(ctx['file'])
        ctx.body = ctx.background.addTask(tasks.steps.echo.with({ delay: '1h' }), ctx['file']).id
      }),
    )
  })
  return { url, folder, afterwork, events, errors }
}

// Whoever replaces fsync for all must be alone.
test.serial('file and folder are on disk, in this order, before the handler and the commit', async (t) => {
  const order: string[] = []
  const { url, folder, afterwork } = await app(t, () => order.push('handler'))
  const synced = await watchSync(t, async (path) => void order.push(path))
  afterwork.once('task.added', () => order.push('committed'))
  const { status } = await send(url, fileForm('content'))
  t.is(status, 200)
  const [file] = order
  t.deepEqual(order, [file, folder, 'handler', 'committed'])
  t.deepEqual(synced, [`${file} 7`, folder])
})

test.serial('where the disk fails neither task nor file is kept, whichever of the two fails', async (t) => {
  const { url, folder, events, errors } = await app(t)
  const failed: boolean[] = []
  let folderFails = false
  await watchSync(t, async (path) => {
    if ((path === folder) !== folderFails) return
    failed.push(folderFails)
    throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' })
  })
  for (folderFails of [false, true]) {
    const { status, json } = await send(url, fileForm('content'))
    t.deepEqual([status, json.code], [500, 'INTERNAL_SERVER_ERROR'])
    await untilFolder(folder, isEmpty)
  }
  t.is(events.of('task.added').length, 0)
  t.deepEqual(failed, [false, true])
  t.is(errors.length, 2)
})

test.serial('a disk that is full when the file is flushed is a 507', async (t) => {
  const { url, folder } = await app(t)
  await watchSync(t, async () => {
    throw Object.assign(new Error('ENOSPC: no space left on device, fsync'), { code: 'ENOSPC' })
  })
  const { status, json } = await send(url, fileForm('content'))
  t.deepEqual([status, json.code], [507, 'AFTERWORK_DISK_FULL'])
  await untilFolder(folder, isEmpty)
})

test.serial('a client that goes away while its first file is flushed leaves nothing', async (t) => {
  const { url, folder, afterwork } = await app(t)
  const flushing = Promise.withResolvers<string>()
  const go = Promise.withResolvers<void>()
  await watchSync(t, async (path) => {
    flushing.resolve(path)
    await go.promise
  })
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const { body } = fileForm('content')
  // The file is whole, the form is not.
  const sent = body.subarray(0, body.length - 4)
  socket.write(
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\nContent-Type: multipart/form-data; boundary=${boundary}\r\n\r\n`,
  )
  socket.write(sent)
  const id = basename(await flushing.promise)
  socket.destroy()
  go.resolve()
  await untilFolder(folder, isEmpty)
  while (afterwork.files.isOpen(id)) await setImmediate()
  t.pass()
})

test.serial('thumbnails are on disk, and then their names, before the task has ended', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'original')
  await sharp({ create: { width: 400, height: 400, channels: 3, background: 'red' } })
    .png()
    .toFile(path)
  const synced = await watchSync(t)
  const { size } = await stat(path)
  const { variants } = await processFile({ id: 'original', name: 'a.png', type: 'image/png', size, path })
  t.deepEqual(
    variants.map(({ name }) => name),
    ['w160.jpg', 'w160.webp', 'w400.jpg', 'w400.webp'],
  )
  t.is(synced.length, 8)
  for (const [index, { name, size: bytes }] of variants.entries()) {
    const unfinished = synced[2 * index]!
    t.true(unfinished.startsWith(`${path}.${name}.`) && unfinished.endsWith(`.tmp ${bytes}`), unfinished)
    t.is(synced[2 * index + 1], folder)
  }
})

test.serial('a folder that is gone is told of, and uploads go on once it is back', async (t) => {
  const { url, folder, errors } = await app(t)
  await rm(folder, { recursive: true })
  t.is((await send(url, fileForm('content'))).status, 500)
  t.regex(errors[0]!.message, /ENOENT/)
  await mkdir(folder)
  t.is((await send(url, fileForm('content'))).status, 200)
})
