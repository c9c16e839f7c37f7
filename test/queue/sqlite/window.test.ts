import test, { type ExecutionContext } from 'ava'
import { failed, ids, newGroup, newTask } from '../conformance/subject.ts'
import { openQueue, type OpenedQueue } from './opened.ts'

/** Two tasks of a lane in memory. */
const window = { tasks: 2, bytes: 1_000_000 }

async function claimAll(queue: OpenedQueue, slots = 3): Promise<string[]> {
  const order: string[] = []
  for (let some = await queue.claim(slots); some.length > 0; some = await queue.claim(slots))
    order.push(...some)
  return order
}

test('tasks of high priority that are added while a lane is on disk go first', async (t) => {
  const queue = await openQueue(t, { window })
  const low = Array.from({ length: 50 }, () => newTask())
  for (const task of low) await queue.add(task)
  t.deepEqual(await queue.claim(1), [low[0]!.id])
  const high = Array.from({ length: 20 }, () => newTask({ options: { priority: 5 } }))
  const middle = Array.from({ length: 20 }, () => newTask({ options: { priority: 1 } }))
  for (const [index, task] of high.entries()) await queue.add(middle[index]!, task)
  t.deepEqual(await claimAll(queue), ids([...high, ...middle, ...low.slice(1)]))
})

test('large arguments are kept on disk by their bytes, and come in order', async (t) => {
  const queue = await openQueue(t, { window: { tasks: 1_000, bytes: 5_000 } })
  const args = JSON.stringify(['x'.repeat(2_000)])
  const tasks = Array.from({ length: 40 }, () => newTask({ args }))
  for (const task of tasks) await queue.add(task)
  t.deepEqual(await claimAll(queue), ids(tasks))
})

test('a task that is on disk only is cancelled, retried by hand, and joined through its unique key', async (t) => {
  const queue = await openQueue(t, { window })
  const tasks = Array.from({ length: 20 }, (_, index) => newTask({ options: { unique: `key ${index}` } }))
  await queue.add(...tasks)
  const last = tasks.at(-1)!
  t.is((await queue.engine.cancel(last.id, Date.now())).state, 'cancelled')
  const [alias, follower] = newGroup({ options: { unique: 'key 18' } }, {})
  await queue.add(alias!, follower!)
  t.is((await queue.engine.get(alias!.id))?.id, tasks[18]!.id)
  t.is((await queue.engine.retry(last.id)).state, 'queued')
  t.deepEqual(await claimAll(queue), ids(tasks))
  await queue.start(tasks[18]!)
  t.true(await queue.engine.record(tasks[18]!.id, 1, failed()))
  t.is((await queue.next()).id, follower!.id)
})

test('many that come due together while a lane is on disk are all taken', async (t) => {
  let now = Date.now()
  const queue = await openQueue(t, { window, clock: () => now })
  const delayed = Array.from({ length: 600 }, () => newTask({ options: { delay: 1_000 } }))
  const waiting = Array.from({ length: 10 }, () => newTask())
  await queue.add(...delayed, ...waiting)
  now += 1_000
  const found = new Set<string>()
  while (found.size < 610) found.add((await queue.next()).id)
  t.deepEqual(await queue.claim(), [])
})

/** A queue whose lane is read from disk once the two tasks that it has in memory are claimed; nothing is left there. */
async function aboutToRead(t: ExecutionContext): Promise<OpenedQueue> {
  const queue = await openQueue(t, { window })
  await queue.add(...Array.from({ length: 6 }, () => newTask()))
  for (let read = 0; read < 2; read++) {
    t.is((await queue.claim(2)).length, 2)
    await queue.counters()
  }
  return queue
}

/** What was asked is on its way to the store. */
function sent(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

test('a task that is cancelled while its lane is read from disk cannot be claimed, and holds no limit', async (t) => {
  const queue = await aboutToRead(t)
  const [task, next] = [newTask({ options: { concurrency: 1 } }), newTask({ options: { concurrency: 1 } })]
  const adding = queue.add(task)
  await sent()
  t.is((await queue.claim(2)).length, 2)
  await adding
  const cancelling = queue.engine.cancel(task.id, Date.now())
  t.deepEqual(await queue.claim(5), [])
  t.is((await cancelling).state, 'cancelled')
  await queue.add(next)
  t.deepEqual(await queue.claim(5), [next.id])
  t.deepEqual(await queue.counters(), { queued: 7, cancelled: 1 })
})

test('a held task that is discarded while its lane is read from disk cannot be claimed', async (t) => {
  const queue = await aboutToRead(t)
  const held = newTask()
  await queue.hold(held)
  t.is((await queue.claim(2)).length, 2)
  await sent()
  const discarding = queue.engine.discard([held.id])
  t.deepEqual(await queue.claim(5), [])
  await discarding
  t.deepEqual(await queue.counters(), { queued: 6 })
  t.deepEqual(await queue.counted(), { queued: 6 })
})
