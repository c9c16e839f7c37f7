import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { toFailure } from '../../src/core/failure.ts'
import { MemoryQueue } from '../../src/queue/memory.ts'
import { conformance, newGroup, newTask, storedFile } from './conformance.ts'

const plenty = { maxTasks: 1_000_000, maxBytes: 1_000_000_000 }
const long = { tasks: 1_000_000 }

/** Claims, starts and ends up to `limit` tasks; gives how many there were. */
async function work(queue: MemoryQueue, limit: number): Promise<number> {
  const at = Date.now()
  const tasks = await queue.claim('cpu', limit)
  await queue.start(
    tasks.map(({ id }) => id),
    at,
  )
  for (const { id, attempt } of tasks)
    await queue.record(id, attempt, { state: 'succeeded', at, result: null })
  return tasks.length
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed
}

test.serial('memory: what it remembers is bounded, however many tasks come and go', async (t) => {
  const queue = new MemoryQueue(plenty, { tasks: 100 })
  t.teardown(() => queue.close())
  const churn = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      const tasks = Array.from({ length: 1_000 }, () => newTask({ files: [storedFile()] }))
      await queue.add(tasks, { held: false })
      await work(queue, 1_000)
    }
  }
  await churn(5)
  const before = heapUsed()
  await churn(40)
  t.true(heapUsed() - before < 2_000_000)
  t.is((await queue.counters()).succeeded, 100)
  t.is((await queue.list({ limit: 1_000 })).length, 100)
})

test.serial(
  'memory: 100,000 tasks are added, run and ended without their number slowing it down',
  async (t) => {
    const queue = new MemoryQueue(plenty, long)
    t.teardown(() => queue.close())
    const tasks = Array.from({ length: 100_000 }, (_, i) => newTask({ options: { priority: i % 7 } }))
    for (let at = 0; at < tasks.length; at += 100) await queue.add(tasks.slice(at, at + 100), { held: false })
    while ((await work(queue, 64)) > 0);
    t.is((await queue.counters()).succeeded, 100_000)
    // A cost that grew with the square of their number would be minutes: ava would give up.
  },
)

test.serial(
  'memory: a group of 20,000 tasks runs in order, without its length slowing it down',
  async (t) => {
    const queue = new MemoryQueue(plenty, long)
    t.teardown(() => queue.close())
    await queue.add(newGroup(...Array.from({ length: 20_000 }, () => ({}))), { held: false })
    let ended = 0
    while ((await work(queue, 64)) === 1) ended++
    t.is(ended, 20_000)
  },
)

conformance('memory', (_t, bounds, retention) => Promise.resolve(new MemoryQueue(bounds, retention)))

test('memory: a task that ended too long ago is forgotten when another ends', async (t) => {
  const queue = new MemoryQueue(plenty, { tasks: 100 })
  t.teardown(() => queue.close())
  const [old, young] = [newTask({ options: { keepResult: 1_000 } }), newTask()]
  await queue.add([old, young], { held: false })
  await queue.claim('cpu', 2)
  await queue.start([old.id, young.id], 0)
  const failure = toFailure(new Error('x'))
  await queue.record(old.id, 1, { state: 'failed', at: 5_000, failure })
  await queue.record(young.id, 1, { state: 'failed', at: 6_001, failure })
  t.is(await queue.get(old.id), undefined)
  t.is((await queue.get(young.id))?.state, 'failed')
  t.is((await queue.counters()).failed, 1)
})
