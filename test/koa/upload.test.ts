import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Router from '@koa/router'
import type { Afterwork } from 'afterwork'
import { upload, type StoredFile } from 'afterwork/upload'
import test from 'ava'
import { sweep } from '../../src/files/sweep.ts'
import { listen, startAfterwork } from '../support/app.ts'
import { Endings } from '../support/endings.ts'
import type { EventLog } from '../support/events.ts'
import { isEmpty, temporaryFolder, untilFolder } from '../support/folder.ts'
import { startGate, type Gate } from '../support/gate.ts'
import { send } from '../support/http.ts'
import { fileForm, multipart } from '../support/multipart.ts'
import { tasks } from '../support/tasks.ts'

const endings = new Endings()
let gate: Gate
test.before(async () => {
  gate = await startGate(endings)
})
test.after.always(() => endings.run())

/** An app with one route of each kind of upload, and the folder of its files. */
async function uploads(
  t: Parameters<typeof startAfterwork>[0],
  configure: (router: Router, afterwork: Afterwork) => void,
): Promise<{ url: string; folder: string; events: EventLog }> {
  const folder = join(await temporaryFolder(t), 'files')
  const { afterwork, events } = await startAfterwork(t, { files: folder })
  const { url } = await listen(t, afterwork, (app) => {
    const router = new Router()
    configure(router, afterwork)
    app.use(router.routes())
  })
  return { url, folder, events }
}

test('single() gives one stored file, which stays while a task that names it has not ended', async (t) => {
  let file: StoredFile | undefined
  const { url, folder, events } = await uploads(t, (router, afterwork) =>
    router.post('/', upload({ afterwork }).single('file'), (ctx) => {
      file = ctx.file
      ctx.body = ctx.background.addTask(tasks.steps.echo, { deep: [ctx.file] }).id
    }),
  )
  const { status, text: id } = await send(url, fileForm('content', 'a name.txt'))
  t.is(status, 200)
  t.like(file, { name: 'a name.txt', type: 'text/plain', size: 7, path: join(folder, file!.id) })
  await events.ended(id)
  t.is(await readFile(file!.path, 'utf8'), 'content')
  t.deepEqual(await readdir(folder), [file!.id])
})

test('a sweep while the handler is at work leaves the file alone, and one that nobody named goes with the response', async (t) => {
  const swept: string[][] = []
  const { url, folder } = await uploads(t, (router, afterwork) =>
    router.post('/', upload({ afterwork }).single('file'), async (ctx) => {
      const never = async () => undefined
      const limits = { keep: 0, keepUnnamed: 0 }
      swept.push(await sweep(afterwork.files, never, limits, { now: Date.now() + 1_000_000_000 }))
      ctx.body = await readFile(ctx.file.path, 'utf8')
    }),
  )
  t.is((await send(url, fileForm('content'))).text, 'content')
  t.deepEqual(swept, [[]])
  await untilFolder(folder, isEmpty)
})

test('array() gives all files of the field; those that no task names go when the response has closed', async (t) => {
  let files: StoredFile[] = []
  const { url, folder } = await uploads(t, (router, afterwork) =>
    router.post('/', upload({ afterwork }).array('file'), (ctx) => {
      files = ctx.files
      ctx.background.addTask(tasks.steps.pass, gate.url('array'))
      ctx.background.addTask(tasks.steps.echo, ctx.files[1])
      ctx.status = 202
    }),
  )
  const parts = ['one', 'two', 'three'].map((content) => ({
    name: 'file',
    content,
    filename: `${content}.txt`,
  }))
  t.is((await send(url, multipart(parts))).status, 202)
  t.deepEqual(
    files.map(({ name, size }) => [name, size]),
    [
      ['one.txt', 3],
      ['two.txt', 3],
      ['three.txt', 5],
    ],
  )
  t.deepEqual(await untilFolder(folder, (names) => names.length === 1), [files[1]!.id])
  await gate.pass('array')
})

test('the files of a request whose handler throws, or whose tasks are dropped, are removed', async (t) => {
  const { url, folder, events } = await uploads(t, (router, afterwork) => {
    router.post('/throws', upload({ afterwork }).single('file'), (ctx) => {
      ctx.background.addTask(tasks.steps.echo, ctx.file)
      throw new Error('no')
    })
    router.post('/refuses', upload({ afterwork }).single('file'), (ctx) => {
      ctx.background.addTask(tasks.steps.echo, ctx.file)
      ctx.status = 409
    })
  })
  t.is((await send(`${url}/throws`, fileForm('content'))).status, 500)
  t.is((await send(`${url}/refuses`, fileForm('content'))).status, 409)
  await untilFolder(folder, isEmpty)
  t.is(events.of('task.dropped').length, 2)
})

test('the folder is made when upload() is first used, and its options are checked', async (t) => {
  const folder = join(await temporaryFolder(t), 'a', 'b')
  const { afterwork } = await startAfterwork(t, { files: folder })
  await t.throwsAsync(readdir(folder), { code: 'ENOENT' })
  upload({ afterwork })
  t.deepEqual(await readdir(folder), [])
  const refusals: [options: any, sentence: RegExp][] = [
    [{ afterwork, maxFileSise: 1 }, /got "maxFileSise", did you mean "maxFileSize"\?/],
    [{ afterwork, maxFileSize: 0 }, /upload\(\)\.maxFileSize: Expected an integer from 1/],
    [{ afterwork, maxFiles: '3' }, /upload\(\)\.maxFiles: Expected an integer from 1/],
    [{ afterwork: undefined }, /upload\(\)\.afterwork: Expected what createAfterwork\(\) returned/],
  ]
  for (const [options, message] of refusals) {
    t.throws(() => upload(options), { code: 'AFTERWORK_BAD_OPTION', message })
  }
})
