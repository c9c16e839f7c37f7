import { execFileSync } from 'node:child_process'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createAfterwork, type Afterwork } from 'afterwork'
import { upload } from 'afterwork/upload'
import test, { type ExecutionContext } from 'ava'
import { tasks } from '../promises/tasks.ts'
import { listen, quick } from '../support/app.ts'
import { EventLog } from '../support/events.ts'
import { isEmpty, temporaryFolder, untilFolder } from '../support/folder.ts'
import { startGate } from '../support/gate.ts'
import { send } from '../support/http.ts'
import { fileForm } from '../support/multipart.ts'

const { echo, pass, read } = tasks.lives

/** A disk of its own, of so many MB; it goes when the test ends. Needs root. */
async function disk(t: ExecutionContext, megabytes: number): Promise<string> {
  const folder = join(await temporaryFolder(t), 'disk')
  await mkdir(folder)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder])
  t.teardown(() => execFileSync('umount', ['--lazy', folder]))
  return folder
}

/** Fills a disk to its last block with a file. */
async function fill(folder: string): Promise<string> {
  const ballast = join(folder, 'ballast')
  for (;;) {
    const { bavail, bsize } = await statfs(folder)
    if (bavail === 0) return ballast
    await writeFile(ballast, Buffer.alloc(bavail * bsize, 1), { flag: 'a' })
  }
}

function integrity(file: string): unknown {
  const database = new DatabaseSync(file, { readOnly: true })
  const found = database.prepare('PRAGMA integrity_check').get()
  database.close()
  return { ...found }
}

async function start(t: ExecutionContext, folder: string, file: string) {
  const afterwork = createAfterwork({ ...quick, tasks, queue: `sqlite:${file}`, files: folder })
  const events = new EventLog(afterwork)
  t.teardown(() => afterwork.stop())
  await afterwork.start()
  return { afterwork, events }
}

/** Adds tasks with arguments of 8 KB until one is refused; gives the ids of the others, and how it was refused. */
async function addUntilRefused(afterwork: Afterwork): Promise<{ ids: string[]; error: unknown }> {
  const ids: string[] = []
  for (;;) {
    try {
      ids.push((await afterwork.addTask(echo, 'x'.repeat(8_000))).id)
    } catch (error) {
      return { ids, error }
    }
  }
}

test('a full disk: what cannot be stored is refused whole, outcomes wait, and all goes on once there is room', async (t) => {
  const folder = await disk(t, 8)
  const file = join(folder, 'queue.db')
  // Uploads are on a disk with room: it is their commit that fails.
  const files = join(await temporaryFolder(t), 'files')
  const gate = await startGate(t)
  const { afterwork, events } = await start(t, files, file)
  const { url } = await listen(t, afterwork, (app) => {
    const single = upload({ afterwork }).single('file')
    app.use((ctx) =>
      single(ctx as never, async () => {
        ctx.background.addTask(read, ctx['file'])
        ctx.background.addTask(echo, 'second')
        ctx.status = 202
      }),
    )
  })
  const running = await Promise.all(
    ['a', 'b'].map(async (door) => {
      const { id } = await afterwork.addTask(pass, gate.url(door))
      await gate.arrival(door)
      return id
    }),
  )
  const ballast = await fill(folder)
  const { ids, error } = await addUntilRefused(afterwork)
  t.like(error, { code: 'AFTERWORK_QUEUE_FAILED' })
  const answer = await send(url, fileForm('content'))
  t.is(answer.status, 503)
  t.is(answer.headers['retry-after'], '1')
  t.is(answer.json.code, 'AFTERWORK_QUEUE_FAILED')
  await untilFolder(files, isEmpty)
  const known = await afterwork.records.list({ limit: 10_000 })
  t.is(known.length, ids.length + running.length)
  t.deepEqual(await afterwork.records.counters(), await counted(afterwork))

  await gate.pass('a')
  await gate.pass('b')
  await events.until('afterwork.error', ({ during }) => during.startsWith('recording the outcome'))
  t.is((await afterwork.records.get(running[0]!))?.state, 'running')
  await rm(ballast)
  for (const id of [...running, ...ids]) t.is(await events.ended(id), 'succeeded')
  for (const id of running) {
    t.is((await afterwork.records.get(id))?.attempt, 1)
    t.is(events.of('task.succeeded').filter((event) => event.id === id).length, 1)
  }
  t.is((await send(url, fileForm('content'))).status, 202)
  await afterwork.stop()
  t.deepEqual(integrity(file), { integrity_check: 'ok' })
})

test('a full disk: a queue with nothing but its file starts, and releases what is there once there is room', async (t) => {
  const folder = await disk(t, 4)
  const file = join(folder, 'queue.db')
  const elsewhere = await temporaryFolder(t)
  const first = await start(t, elsewhere, file)
  await first.afterwork.pausePool('cpu')
  const { id } = await first.afterwork.addTask(echo, 'waiting')
  await first.afterwork.stop()
  const ballast = await fill(folder)
  const refused = createAfterwork({ ...quick, tasks, queue: `sqlite:${file}`, files: elsewhere })
  const error = await refused.start().then(
    () => undefined,
    (thrown: Error & { code: string }) => thrown,
  )
  await refused.stop()
  if (error !== undefined) {
    t.is(error.code, 'AFTERWORK_QUEUE_UNUSABLE')
    t.notRegex(error.message, /\n/)
  }
  await rm(ballast)
  const { afterwork, events } = await start(t, elsewhere, file)
  await afterwork.resumePool('cpu')
  t.is(await events.ended(id), 'succeeded')
})

test('a disk that cannot be written to: the start fails with one line that says so', async (t) => {
  const folder = await disk(t, 4)
  const file = join(folder, 'queue.db')
  const elsewhere = await temporaryFolder(t)
  const { afterwork } = await start(t, elsewhere, file)
  await afterwork.stop()
  execFileSync('mount', ['-o', 'remount,ro', folder])
  for (const path of [file, join(folder, 'another.db'), join(folder, 'sub', 'queue.db')]) {
    const refused = createAfterwork({ ...quick, tasks, queue: `sqlite:${path}`, files: elsewhere })
    t.teardown(() => refused.stop())
    const error = (await t.throwsAsync(refused.start(), { code: 'AFTERWORK_QUEUE_UNUSABLE' }))!
    // What Node.js says of a folder that cannot be made there.
    const why = path.includes('/sub/') ? 'ENOENT' : 'EROFS: read-only file system'
    t.true(error.message.startsWith(`${path} cannot be used: ${why}`), error.message)
    t.notRegex(error.message, /\n/)
  }
})

async function counted(afterwork: Afterwork) {
  const states = ['queued', 'scheduled', 'running', 'succeeded', 'failed', 'cancelled'] as const
  const counts = states.map(async (state) => {
    return [state, (await afterwork.records.list({ state, limit: 10_000 })).length] as const
  })
  return Object.fromEntries(await Promise.all(counts))
}
