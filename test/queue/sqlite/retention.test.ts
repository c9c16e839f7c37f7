import { DatabaseSync } from 'node:sqlite'
import test, { type ExecutionContext } from 'ava'
import type { NewTask } from '../../../src/core/task.ts'
import { ids, newGroup, newTask, storedFile } from '../conformance/subject.ts'
import { openQueue, type OpenedQueue } from './opened.ts'

const day = 86_400_000

async function endAll(queue: OpenedQueue, tasks: readonly NewTask[], at = Date.now()): Promise<void> {
  const claimed = await queue.claim(tasks.length)
  await queue.engine.start(claimed, at)
  await Promise.all(claimed.map((id) => queue.engine.record(id, 1, { state: 'succeeded', at, result: null })))
}

async function known(queue: OpenedQueue): Promise<string[]> {
  return ids(await queue.engine.list({ limit: 1_000 })).toReversed()
}

/** What is left in the tables beside the tasks. */
function rowsBeside({ file }: OpenedQueue): Record<string, unknown> {
  const database = new DatabaseSync(file, { readOnly: true })
  const row = database
    .prepare(
      'SELECT (SELECT count(*) FROM aliases) AS aliases, (SELECT count(*) FROM file_uses) AS files, (SELECT count(*) FROM attempts) AS attempts',
    )
    .get()!
  database.close()
  return { ...row }
}

async function isExact(t: ExecutionContext, queue: OpenedQueue, expected: Record<string, number>) {
  t.deepEqual(await queue.counters(), expected)
  t.deepEqual(await queue.counted(), expected)
}

test('of 100 tasks that end at once ten are remembered, those that ended last', async (t) => {
  const queue = await openQueue(t, { retention: { tasks: 10 } })
  const tasks = Array.from({ length: 100 }, () => newTask())
  await queue.add(...tasks)
  await endAll(queue, tasks)
  t.deepEqual(await known(queue), ids(tasks.slice(-10)))
  await isExact(t, queue, { succeeded: 10 })
})

test('many more than may be remembered are forgotten a few at a time, with those that end', async (t) => {
  const many = await openQueue(t)
  const tasks = Array.from({ length: 100 }, () => newTask())
  await many.add(...tasks)
  await endAll(many, tasks)
  await isExact(t, many, { succeeded: 100 })
  const few = await many.crash(t, { retention: { tasks: 10 } })
  const counts: number[] = []
  for (let round = 0; round < 8; round++) {
    const one = newTask()
    await few.add(one)
    await few.end(t, one)
    counts.push((await few.counters())['succeeded']!)
  }
  t.true(counts[0]! > 50)
  t.is(counts.at(-1), 10)
  t.deepEqual(
    counts,
    counts.toSorted((a, b) => b - a),
  )
  t.deepEqual(await few.counted(), { succeeded: 10 })
})

test('a task is forgotten when it was kept for as long as it wanted; files and aliases go with it', async (t) => {
  const start = Date.now()
  const queue = await openQueue(t)
  const [short, long] = [storedFile(), storedFile()]
  const options = { keepResult: 1_000, unique: 'key' }
  const [brief, lasting] = [newTask({ files: [short, long], options }), newTask({ files: [long] })]
  await queue.add(brief, lasting)
  const [alias] = newGroup({ options })
  await queue.add(alias!)
  await endAll(queue, [brief, lasting], start)
  t.is((await queue.engine.get(alias!.id))?.id, brief.id)
  t.like(await queue.engine.file(short.id), { inUse: false, endedAt: start })

  const later = newTask()
  await queue.add(later)
  await endAll(queue, [later], start + 1_001)
  for (const id of [brief.id, alias!.id]) t.is(await queue.engine.get(id), undefined)
  t.is(await queue.engine.file(short.id), undefined)
  t.like(await queue.engine.file(long.id), { inUse: false, endedAt: start })
  t.deepEqual(rowsBeside(queue), { aliases: 0, files: 1, attempts: 0 })
  await isExact(t, queue, { succeeded: 2 })

  const muchLater = newTask()
  await queue.add(muchLater)
  await endAll(queue, [muchLater], start + 8 * day)
  t.deepEqual(await known(queue), [muchLater.id])
  t.deepEqual(rowsBeside(queue), { aliases: 0, files: 0, attempts: 0 })
  await isExact(t, queue, { succeeded: 1 })
})

test('a task that is retried by hand is not forgotten while it waits or runs', async (t) => {
  const start = Date.now()
  const queue = await openQueue(t, { retention: { tasks: 1 } })
  const task = newTask({ options: { keepResult: 10 } })
  await queue.add(task)
  await queue.engine.cancel(task.id, start)
  await queue.engine.retry(task.id)
  const others = Array.from({ length: 5 }, () => newTask({ options: { priority: 1 } }))
  await queue.add(...others)
  const [first] = await queue.claim(1)
  await queue.engine.giveBack([first!])
  for (const other of others) {
    await queue.run(t, other)
    await queue.engine.record(other.id, 1, { state: 'succeeded', at: start + day, result: null })
  }
  t.deepEqual(await queue.claim(), [task.id])
  await isExact(t, queue, { queued: 1, succeeded: 1 })
})
