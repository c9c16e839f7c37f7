import { once } from 'node:events'
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createAfterwork, type AfterworkOptions, type StoredFile } from 'afterwork'
import { upload } from 'afterwork/upload'
import pg from 'pg'
import { newId } from '../../../src/core/id.ts'
import { listen, quick } from '../../support/app.ts'
import { Endings } from '../../support/endings.ts'
import { EventLog } from '../../support/events.ts'
import { temporaryFolder, untilFolder } from '../../support/folder.ts'
import { send } from '../../support/http.ts'
import { fileForm } from '../../support/multipart.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { startProcess } from './process.ts'
import { tasks } from './tasks.ts'

const endings = new Endings()
let databases: QueueDatabases

test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

/** An app that takes uploads, each with a task that names the file. */
async function uploads(t: ExecutionContext, options: Partial<AfterworkOptions>) {
  const afterwork = createAfterwork({ ...quick, tasks, ...options })
  const events = new EventLog(afterwork)
  t.teardown(() => afterwork.stop())
  let last: StoredFile | undefined
  const { url, errors } = await listen(t, afterwork, (app) =>
    app.use(upload({ afterwork }).single('file')).use((ctx) => {
      last = ctx.file as StoredFile
      ctx.body = ctx.background.addTask(tasks.lives.echo, last)
      ctx.status = 202
    }),
  )
  await afterwork.start()
  const take = async (text = 'kept') => {
    const answer = await send(url, fileForm(text))
    return { answer, file: last!, id: (answer.json as { id: string }).id }
  }
  return { afterwork, events, errors, url, take }
}

test('a process with another folder takes no files and leaves tasks that name some to the others', async (t) => {
  t.timeout(170_000)
  const queue = await databases.create(t)
  const shared = join(await temporaryFolder(t), 'files')
  const other = join(await temporaryFolder(t), 'files')
  const web = await uploads(t, { queue, files: shared, work: false })
  const { id, file } = await web.take()
  t.is(await readFile(file.path, 'utf8'), 'kept')
  t.deepEqual(web.events.of('afterwork.error'), [])

  const stray = await startProcess(t, queue, { files: other })
  t.is(stray.errors().length, 1)
  t.regex(stray.errors()[0]!, /^looking for the folder of stored files: Expected .* mount that folder here/)
  await stray.of('task.succeeded', await stray.add('echo', ['no file']))
  t.like(await stray.get(id), { state: 'queued', attempt: 0 })
  await t.throwsAsync(stray.add('echo', [file]), { code: 'AFTERWORK_FILES_NOT_SHARED' })
  const refused = await stray.request({ add: [{ name: 'echo', args: [file] }] })
  t.is(refused.status, 503)
  t.is(refused.headers['retry-after'], '1')
  t.like(refused.json, { code: 'AFTERWORK_FILES_NOT_SHARED' })

  const worker = await startProcess(t, queue, { files: shared })
  await worker.of('task.succeeded', id)
  t.like(await stray.get(id), { state: 'succeeded', attempt: 1 })
  t.deepEqual(worker.errors(), [])
})

test('uploads to a process with another folder are a 503 at once, and leave nothing', async (t) => {
  const queue = await databases.create(t)
  const web = await uploads(t, { queue, files: await temporaryFolder(t) })
  t.is((await web.take()).answer.status, 202)
  const folder = await temporaryFolder(t)
  const stray = await uploads(t, { queue, files: folder })
  const { answer } = await stray.take()
  t.is(answer.status, 503)
  t.is(answer.headers['retry-after'], '1')
  t.is(answer.headers['content-type'], 'application/problem+json')
  t.like(answer.json, { code: 'AFTERWORK_FILES_NOT_SHARED' })
  t.deepEqual(await readdir(folder), [])
  const [error] = stray.events.of('afterwork.error')
  t.like(error!.error, { code: 'AFTERWORK_FILES_NOT_SHARED' })
  t.like(await stray.afterwork.records.counters(), { queued: 0, failed: 0 })
  // Nothing of the body is waited for.
  const { headers } = fileForm('')
  const outgoing = request(stray.url, { method: 'POST', headers: { ...headers, 'Content-Length': 99 } })
  outgoing.flushHeaders()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  t.is(incoming.statusCode, 503)
  t.is(incoming.headers.connection, 'close')
  outgoing.on('error', () => {}).destroy()
})

test('a folder that was replaced by an empty one takes no uploads until it is back', async (t) => {
  const queue = await databases.create(t)
  const files = join(await temporaryFolder(t), 'files')
  const first = await uploads(t, { queue, files })
  const { id } = await first.take()
  t.is(await first.events.ended(id), 'succeeded')
  await first.afterwork.stop()
  await rm(files, { recursive: true })

  const second = await uploads(t, { queue, files })
  t.is((await second.take()).answer.status, 503)
  t.is(second.events.of('afterwork.error').length, 1)
  const { message } = second.events.of('afterwork.error')[0]!.error
  const [, mark, where] = /write (\S+) into (\S+) of a new one/.exec(message)!
  await writeFile(where!, mark!)
  t.is((await second.take()).answer.status, 202)
})

test('a process sweeps no file that tasks of other processes name', async (t) => {
  const queue = await databases.create(t)
  const files = await temporaryFolder(t)
  const limits = { keepFiles: 0, keepUnnamed: 0 }
  const first = await uploads(t, { queue, files, work: false, ...limits })
  const { file } = await first.take()
  const left = newId()
  await writeFile(join(files, left), 'left by a kill')
  await uploads(t, { queue, files, work: false, ...limits })
  const names = await untilFolder(files, (all) => !all.includes(left))
  t.deepEqual(names, ['.afterwork-folder', file.id])
})

test('a task of a transaction may name a file, which stays', async (t) => {
  const queue = await databases.create(t)
  const files = await temporaryFolder(t)
  const afterwork = createAfterwork({ ...quick, tasks, queue, files })
  const events = new EventLog(afterwork)
  t.teardown(() => afterwork.stop())
  const pool = new pg.Pool({ connectionString: queue })
  pool.on('error', () => {})
  t.teardown(() => pool.end())
  const { url } = await listen(t, afterwork, (app) =>
    app.use(upload({ afterwork }).single('file')).use(async (ctx) => {
      const client = await pool.connect()
      await client.query('BEGIN')
      ctx.body = await afterwork.addTask(tasks.lives.echo.with({ client }), ctx.file)
      await client.query('COMMIT')
      client.release()
    }),
  )
  await afterwork.start()
  const { id } = (await send(url, fileForm('kept'))).json as { id: string }
  t.is(await events.ended(id), 'succeeded')
  const [file] = JSON.parse((await afterwork.records.get(id))!.args) as [StoredFile]
  t.is(await readFile(file.path, 'utf8'), 'kept')
  t.like(await afterwork.records.file(file.id), { inUse: false })
})
