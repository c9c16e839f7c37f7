import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import Router from '@koa/router'
import type { Afterwork, AfterworkOptions } from 'afterwork'
import { upload } from 'afterwork/upload'
import test, { type ExecutionContext } from 'ava'
import Koa from 'koa'
import { newId } from '../../src/core/id.ts'
import { listen, startAfterwork } from '../support/app.ts'
import type { EventLog } from '../support/events.ts'
import { isEmpty, temporaryFolder, untilFolder } from '../support/folder.ts'
import { send } from '../support/http.ts'
import { boundary, fileForm, multipart } from '../support/multipart.ts'
import { tasks } from '../support/tasks.ts'

const KB = 1024

/** An app that keeps what is sent to /keep and refuses what is sent to /refuse. */
async function bounded(
  t: ExecutionContext,
  options: Partial<AfterworkOptions>,
): Promise<{ url: string; folder: string; afterwork: Afterwork; events: EventLog; errors: Error[] }> {
  const files = options.files ?? join(await temporaryFolder(t), 'files')
  const { afterwork, events } = await startAfterwork(t, { ...options, files })
  const { url, errors } = await listen(t, afterwork, (app) => {
    const router = new Router()
    const array = upload({ afterwork, maxFileSize: 100 * KB * KB }).array('file')
    router.post('/keep', array, (ctx) => {
      for (const file of ctx.files)
        ctx.background.addTask(tasks.steps.echo.with({ ordered: false, delay: '1h' }), file)
      ctx.status = 202
    })
    router.post('/refuse', array, (ctx) => {
      ctx.status = 409
    })
    app.use(router.routes())
  })
  return { url, folder: files, afterwork, events, errors }
}

/** A file gives its room back once it is gone. */
async function untilRoom({ files }: Afterwork, room: number): Promise<void> {
  while (files.room !== room) await setImmediate()
}

const file = (bytes: number) => fileForm(Buffer.alloc(bytes, 'x'))

test('an upload past maxDisk is a 507 that leaves nothing, and one that fits is taken after it', async (t) => {
  const { url, folder, errors } = await bounded(t, { maxDisk: 100 * KB })
  t.is((await send(`${url}/keep`, file(60 * KB))).status, 202)
  const refused = await send(`${url}/keep`, file(40 * KB + 1))
  t.is(refused.status, 507)
  t.is(refused.headers['content-type'], 'application/problem+json')
  t.like(refused.json, { title: 'Insufficient Storage', status: 507, code: 'AFTERWORK_DISK_FULL' })
  t.is((await readdir(folder)).length, 1)
  t.is((await send(`${url}/keep`, file(40 * KB))).status, 202)
  t.is((await send(`${url}/keep`, file(1))).status, 507)
  t.is((await readdir(folder)).length, 2)
  t.deepEqual(errors, [])
})

test('of several files of which one does not fit none is kept', async (t) => {
  const { url, folder } = await bounded(t, { maxDisk: 100 * KB })
  const part = (kilobytes: number) => ({ name: 'file', content: Buffer.alloc(kilobytes * KB), filename: 'a' })
  t.is((await send(`${url}/keep`, multipart([part(40), part(70), part(1)]))).status, 507)
  t.deepEqual(await untilFolder(folder, isEmpty), [])
  t.is((await send(`${url}/keep`, multipart([part(40), part(60)]))).status, 202)
})

test('what a request does not keep makes room for the next', async (t) => {
  const { url, folder, afterwork } = await bounded(t, { maxDisk: 100 * KB })
  for (let time = 0; time < 3; time++) {
    t.is((await send(`${url}/refuse`, file(90 * KB))).status, 409)
    await untilFolder(folder, isEmpty)
    await untilRoom(afterwork, 100 * KB)
  }
})

test('a body that is larger than all that is left is refused before it is read', async (t) => {
  const { url, folder } = await bounded(t, { maxDisk: 100 * KB })
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(
    `POST /keep HTTP/1.1\r\nHost: x\r\nContent-Length: ${50 * KB * KB}\r\nContent-Type: multipart/form-data; boundary=${boundary}\r\n\r\n`,
  )
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  t.regex(answer.toString(), /^HTTP\/1\.1 507 /)
  t.regex(answer.toString(), /\r\nConnection: close\r\n/i)
  t.deepEqual(await readdir(folder), [])
})

test('a client that goes away in the middle gives its room back', async (t) => {
  const { url, folder, afterwork } = await bounded(t, { maxDisk: 100 * KB })
  const { hostname, port } = new URL(url)
  const whole = file(90 * KB).body
  for (let time = 0; time < 2; time++) {
    const socket = connect(Number(port), hostname)
    socket.write(
      `POST /keep HTTP/1.1\r\nHost: x\r\nContent-Length: ${whole.length}\r\nContent-Type: multipart/form-data; boundary=${boundary}\r\n\r\n`,
    )
    socket.write(whole.subarray(0, 80 * KB))
    await untilFolder(folder, (names) => names.length === 1)
    socket.destroy()
    await untilFolder(folder, isEmpty)
    await untilRoom(afterwork, 100 * KB)
  }
  t.is((await send(`${url}/keep`, file(100 * KB))).status, 202)
})

test('uploads that come at once never go past the bound together', async (t) => {
  const { url, afterwork } = await bounded(t, { maxDisk: 1_000 * KB })
  const answers = await Promise.all(Array.from({ length: 12 }, () => send(`${url}/keep`, file(300 * KB))))
  const kept = answers.filter(({ status }) => status === 202).length
  t.true(kept <= 3)
  t.deepEqual(new Set(answers.map(({ status }) => status)).has(507), true)
  const stored = (await afterwork.files.list()).reduce((sum, { bytes }) => sum + bytes, 0)
  t.is(stored, kept * 300 * KB)
  t.is((await send(`${url}/keep`, file(1_000 * KB - stored))).status, 202)
  t.is((await send(`${url}/keep`, file(1))).status, 507)
})

test('what was there before the start counts, thumbnails too', async (t) => {
  const folder = await temporaryFolder(t)
  const id = newId()
  await writeFile(join(folder, id), Buffer.alloc(50 * KB))
  await writeFile(join(folder, `${id}.w160.webp`), Buffer.alloc(20 * KB))
  const { url } = await bounded(t, { files: folder, maxDisk: 100 * KB })
  t.is((await send(`${url}/keep`, file(31 * KB))).status, 507)
  t.is((await send(`${url}/keep`, file(30 * KB))).status, 202)
})

test('without the middleware an upload is refused before anything is stored', async (t) => {
  const folder = join(await temporaryFolder(t), 'files')
  const { afterwork } = await startAfterwork(t, { files: folder })
  const app = new Koa()
  app.silent = true
  const failed = once(app, 'error')
  app.use(upload({ afterwork }).single('file') as unknown as Koa.Middleware)
  const server = app.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  t.is((await send(`http://127.0.0.1:${port}/`, fileForm('content'))).status, 500)
  const [error] = await failed
  t.like(error, { code: 'AFTERWORK_NO_REQUEST' })
  t.deepEqual(await readdir(folder), [])
})
