import test from 'ava'
import { batchSize } from '../../src/core/task.ts'
import { decodeValue } from '../../src/core/value.ts'
import { MemoryQueue } from '../../src/queue/memory.ts'
import { Pool } from '../../src/pool/pool.ts'
import { newTask } from '../queue/conformance.ts'
import { claimedTask } from './claimed-task.ts'

const hooks = { progress: () => {}, log: () => {}, error: () => {} }
const sizes = { minThreads: 1, maxThreads: 1, concurrency: 1, nice: 0, env: process.env }
const catalog = {
  tasks: new URL('./fixtures/tasks.ts', import.meta.url).href,
  names: new Set<string>(),
  pools: new Set(['cpu']),
  teardown: false,
}

function batched(name: string, args: unknown[] = []) {
  return claimedTask(`work.${name}`, args, { batch: true })
}

test('batched tasks share slots, and each has an outcome of its own', async (t) => {
  const pool = new Pool('cpu', { ...sizes, maxThreads: 4 }, catalog, hooks)
  t.teardown(() => pool.stop())
  const ends = Array.from({ length: 3 * batchSize }, (_, n) =>
    pool.run(n === 70 ? batched('pay') : batched('add', [n, 1])),
  )
  t.is(pool.free, 1)
  for (const [n, { outcome }] of (await Promise.all(ends)).entries()) {
    if (n === 70) t.like(outcome, { kind: 'failed', failure: { code: 'CARD_DECLINED' } })
    else if (outcome.kind === 'succeeded') t.is(decodeValue(outcome.result!), n + 1)
    else t.fail(outcome.failure.message)
  }
  t.is(pool.free, 4)
})

test('one that ends its thread fails alone; those behind it in the batch are interrupted, charged nothing', async (t) => {
  const pool = new Pool('cpu', sizes, catalog, hooks)
  t.teardown(() => pool.stop())
  const [exited, behind] = await Promise.all([
    pool.run(batched('exit', [3])),
    pool.run(batched('add', [1, 2])),
  ])
  t.like(exited.outcome, { kind: 'failed', failure: { code: 'AFTERWORK_WORKER_EXITED' } })
  t.is(behind.outcome.kind, 'interrupted')
  t.is((await pool.run(batched('add', [1, 2]))).outcome.kind, 'succeeded')
})

test('64 batched tasks fill one slot of a claim, others one each, in their order', async (t) => {
  const queue = new MemoryQueue({ maxTasks: 1_000, maxBytes: 1_000_000 }, { tasks: 1_000 })
  t.teardown(() => queue.close())
  const tasks = Array.from({ length: 200 }, (_, n) => newTask({ options: { batch: n !== 100 } }))
  await queue.add(tasks, { held: false })
  const claimed = await queue.claim('cpu', 3)
  t.deepEqual(
    claimed.map(({ id }) => id),
    tasks.slice(0, 2 * batchSize + 1).map(({ id }) => id),
  )
  t.is((await queue.claim('cpu', 2)).length, 200 - claimed.length)
})
