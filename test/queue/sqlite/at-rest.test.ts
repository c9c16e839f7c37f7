import { copyFile, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type ExecutionContext } from 'ava'
import { newId } from '../../../src/core/id.ts'
import { changeQueue, queueHolder, readQueue } from '../../../src/queue/sqlite/at-rest/entry.ts'
import { failed, hour, ids, newGroup, newTask, retried, succeeded } from '../conformance/subject.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { openQueue, type OpenedQueue } from './opened.ts'

/** Claims and starts as many tasks as there are slots. */
async function start({ engine }: OpenedQueue, slots: number) {
  const tasks = await engine.claim('cpu', slots)
  await engine.start(ids(tasks), Date.now())
  return tasks
}

/** The file of a queue whose process died while two tasks ran, one had failed and one waited. */
async function leftBehind(t: ExecutionContext) {
  const queue = await openQueue(t)
  const tasks = Array.from({ length: 4 }, () => newTask())
  await queue.engine.add(tasks, { held: false })
  const [first] = await start(queue, 3)
  await queue.engine.record(first!.id, first!.attempt, failed())
  await queue.engine.counters()
  const left = await queue.crash(t)
  await left.engine.close()
  return left
}

/** What a crash leaves, not yet opened by anybody. */
async function crashed(t: ExecutionContext) {
  const queue = await openQueue(t)
  const tasks = Array.from({ length: 4 }, () => newTask())
  await queue.engine.add(tasks, { held: false })
  const [first, ...running] = await start(queue, 3)
  await queue.engine.record(first!.id, first!.attempt, failed())
  await queue.engine.counters()
  const file = join(await temporaryFolder(t), 'queue.db')
  for (const ending of ['', '-wal']) await copyFile(queue.file + ending, file + ending)
  return { file, failed: first!.id, running: ids(running), waiting: tasks.at(-1)!.id }
}

test('a queue is read while its process works on it', async (t) => {
  const queue = await openQueue(t)
  await queue.engine.add([newTask(), newTask()], { held: false })
  const [task] = await start(queue, 1)
  await queue.engine.counters()
  const reading = await readQueue(queue.file)
  t.teardown(() => reading.close())
  t.like(reading.counters(), { queued: 1, running: 1 })
  t.is(reading.get(task!.id)?.state, 'running')
  await queue.engine.record(task!.id, task!.attempt, succeeded('1'))
  await queue.engine.counters()
  t.is(reading.get(task!.id)?.state, 'succeeded')
  t.is(reading.list({ state: 'queued', limit: 5 }).length, 1)
  t.deepEqual(reading.flow(), { added: 2, ended: 1 })
})

test('reading what a crash left recovers nothing', async (t) => {
  const left = await crashed(t)
  for (let times = 0; times < 2; times++) {
    const reading = await readQueue(left.file)
    t.like(reading.counters(), { queued: 1, running: 2, failed: 1 })
    t.is(reading.get(left.running[0]!)?.state, 'running')
    t.is(typeof reading.oldest(), 'number')
    reading.close()
  }
  t.false((await readdir(dirname(left.file))).includes('queue.db-lock'))
})

test('changing what a crash left charges and releases nothing, and the next start recovers it as ever', async (t) => {
  const left = await crashed(t)
  const changing = await changeQueue(left.file)
  const [record] = changing.retry([left.failed])
  changing.close()
  t.like(record, { record: { state: 'queued', attempt: 1 } })
  const reading = await readQueue(left.file)
  t.like(reading.counters(), { queued: 2, running: 2, failed: 0 })
  reading.close()

  const { engine } = await openQueue(t, { file: left.file })
  t.like(await engine.counters(), { queued: 4, running: 0, failed: 0 })
  const suspects = [await engine.claimSuspect(['cpu']), await engine.claimSuspect(['cpu'])]
  t.deepEqual(new Set(suspects.map((task) => task?.id)), new Set(left.running))
})

test('a task that ran when its process died can be cancelled, and is not run again', async (t) => {
  const left = await crashed(t)
  const changing = await changeQueue(left.file)
  const [result] = changing.cancel([left.running[0]!], Date.now())
  changing.close()
  t.like(result, { record: { state: 'cancelled', error: { code: 'AFTERWORK_CANCELLED' } } })
  const queue = await openQueue(t, { file: left.file })
  t.deepEqual(await queue.counted(), { queued: 2, failed: 1, cancelled: 1 })
  t.like(await queue.engine.counters(), { queued: 2, running: 0, failed: 1, cancelled: 1 })
})

test('many tasks are changed at once, and each is refused alone', async (t) => {
  const queue = await openQueue(t)
  const scheduled = newTask({ options: { delay: hour } })
  const group = newGroup({}, {})
  await queue.engine.add([newTask(), ...group], { held: false })
  await queue.engine.add([scheduled], { held: false })
  const [ended] = await start(queue, 1)
  await queue.engine.record(ended!.id, ended!.attempt, succeeded())
  await queue.engine.close()

  const changing = await changeQueue(queue.file)
  const stranger = newId()
  const cancelled = changing.cancel([scheduled.id, ended!.id, stranger, group[1]!.id], Date.now())
  t.like(cancelled, [
    { record: { state: 'cancelled' } },
    { error: { code: 'AFTERWORK_CONFLICT' } },
    { error: { code: 'AFTERWORK_TASK_NOT_FOUND' } },
    { record: { state: 'cancelled' } },
  ])
  t.like(changing.purge([ended!.id, group[0]!.id]), [
    { record: undefined },
    { error: { code: 'AFTERWORK_CONFLICT' } },
  ])
  t.like(changing.retry([scheduled.id, scheduled.id]), [
    { record: { state: 'queued' } },
    { error: { code: 'AFTERWORK_CONFLICT' } },
  ])
  changing.close()
  const again = await openQueue(t, { file: queue.file })
  t.deepEqual(await again.counted(), { queued: 2, cancelled: 1 })
  t.like(await again.engine.counters(), { queued: 2, cancelled: 1, succeeded: 0 })
})

test('a retry that waits keeps its time, whoever reads or changes the rest', async (t) => {
  const queue = await openQueue(t)
  await queue.engine.add([newTask(), newTask()], { held: false })
  const [waits, other] = await start(queue, 2)
  await queue.engine.record(waits!.id, waits!.attempt, retried(Date.now() + hour))
  await queue.engine.record(other!.id, other!.attempt, failed())
  await queue.engine.close()
  const changing = await changeQueue(queue.file)
  changing.purge([other!.id])
  changing.close()
  const { engine } = await openQueue(t, { file: queue.file })
  t.like(await engine.get(waits!.id), { state: 'scheduled', attempt: 1 })
})

test('nothing is changed while a process has the queue, which is found and named', async (t) => {
  const queue = await openQueue(t)
  t.deepEqual(await queueHolder(queue.file), { pid: process.pid })
  const error = await t.throwsAsync(changeQueue(queue.file))
  t.like(error, { code: 'AFTERWORK_QUEUE_IN_USE' })
  t.regex(error!.message, new RegExp(`process ${process.pid}`))
  await queue.engine.close()
  t.is(await queueHolder(queue.file), undefined)
  const changing = await changeQueue(queue.file)
  t.deepEqual(await queueHolder(queue.file), { pid: process.pid })
  changing.close()
})

test('a link leads to the queue, its log and its lock', async (t) => {
  const left = await leftBehind(t)
  const link = join(await temporaryFolder(t), 'linked.db')
  await symlink(left.file, link)
  const changing = await changeQueue(link)
  t.deepEqual(await queueHolder(link), { pid: process.pid })
  t.deepEqual(await queueHolder(left.file), { pid: process.pid })
  changing.close()
})

test('a queue that is not there is not made', async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'queue.db')
  await t.throwsAsync(readQueue(file), { code: 'AFTERWORK_QUEUE_UNUSABLE', message: /no queue at/ })
  await t.throwsAsync(changeQueue(file), { code: 'AFTERWORK_QUEUE_UNUSABLE' })
  t.is(await queueHolder(file), undefined)
  t.deepEqual(await readdir(folder), [])
})

test('a file of a newer version, or of something else, is neither read nor changed', async (t) => {
  const left = await leftBehind(t)
  const database = new DatabaseSync(left.file)
  database.exec('PRAGMA user_version = 1000')
  database.close()
  for (const open of [readQueue, changeQueue])
    await t.throwsAsync(open(left.file), { code: 'AFTERWORK_QUEUE_UNUSABLE', message: /newer afterwork/ })

  const other = join(await temporaryFolder(t), 'other.db')
  const theirs = new DatabaseSync(other)
  theirs.exec('CREATE TABLE mine (a)')
  theirs.close()
  for (const open of [readQueue, changeQueue])
    await t.throwsAsync(open(other), { code: 'AFTERWORK_QUEUE_UNUSABLE', message: /something else/ })
})

test('a damaged file says so, and what saves it', async (t) => {
  const file = join(await temporaryFolder(t), 'queue.db')
  await writeFile(file, 'no database at all, but long enough to be taken for one '.repeat(100))
  for (const open of [readQueue, changeQueue])
    await t.throwsAsync(open(file), { code: 'AFTERWORK_QUEUE_CORRUPT', message: /tasks recover/ })
})
