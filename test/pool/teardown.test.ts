import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import type { PoolSizes } from '../../src/core/pool.ts'
import { failureOf, resultOf, Subject } from './subject.ts'

/** A pool whose modules, of a tasks file, export `teardown`, and the threads that said goodbye. */
function leaving(
  t: ExecutionContext,
  sizes: Partial<PoolSizes> = {},
  file = 'teardown-tasks.ts',
  idle?: number,
) {
  const goodbye = randomUUID()
  const channel = new BroadcastChannel(goodbye)
  const left: number[] = []
  let tell = (): void => {}
  channel.onmessage = (event) => {
    left.push((event as unknown as { data: number }).data)
    tell()
  }
  const until = async (count: number): Promise<number[]> => {
    while (left.length < count) await new Promise<void>((resolve) => (tell = resolve))
    return left
  }
  t.teardown(() => channel.close())
  const tasks = new URL(`./fixtures/${file}`, import.meta.url).href
  const env = { ...process.env, GOODBYE: goodbye }
  const subject = new Subject(t, { ...sizes, env }, { tasks, teardown: true }, idle)
  return { subject, left, until }
}

function byNumber(a: number, b: number): number {
  return a - b
}

const one = { minThreads: 1, maxThreads: 1, concurrency: 1, nice: 0, env: process.env }

test.serial('every thread that ran something says goodbye when the pool stops', async (t) => {
  const { subject, until } = leaving(t, { minThreads: 2, maxThreads: 2 })
  const first = await subject.waiting('good.hold')
  const second = await subject.waiting('good.hold')
  for (const { task } of [first, second]) subject.pool.cancel(task.id, 1)
  const threads = [resultOf(t, await first.end), resultOf(t, await second.end)]
  await subject.pool.stop()
  t.deepEqual((await until(2)).toSorted(byNumber), threads.toSorted(byNumber))
})

test.serial(
  'the threads of the old size say goodbye after a resize, once nothing runs on them',
  async (t) => {
    const { subject, left, until } = leaving(t)
    const old = await subject.waiting('good.hold')
    subject.pool.resize({ ...subject.pool.sizes, maxThreads: 2 })
    const fresh = resultOf(t, await subject.end('good.where'))
    t.deepEqual(left, [])
    subject.pool.cancel(old.task.id, 1)
    const thread = resultOf(t, await old.end)
    t.deepEqual(await until(1), [thread])
    t.not(fresh, thread)
  },
)

test.serial('threads above minThreads say goodbye once they were idle for some time', async (t) => {
  const { subject, left, until } = leaving(t, { minThreads: 1, maxThreads: 2 }, 'teardown-tasks.ts', 50)
  const runs = [await subject.waiting('good.hold'), await subject.waiting('good.hold')]
  t.is(subject.pool.workers.busy, 2)
  t.deepEqual(left, [])
  for (const { task } of runs) subject.pool.cancel(task.id, 1)
  const threads = await Promise.all(runs.map(async ({ end }) => resultOf(t, await end) as number))
  t.deepEqual((await until(2)).toSorted(byNumber), threads.toSorted(byNumber))
  t.is(subject.pool.workers.idle, 1)
  t.false(threads.includes(resultOf(t, await subject.end('good.where'))))
})

test.serial('a thread that still loads a module says goodbye for those on which something ran', async (t) => {
  const { subject, until } = leaving(t, {}, 'teardown-loads-tasks.ts')
  const thread = resultOf(t, await subject.end('good.where'))
  await subject.pool.stop()
  t.deepEqual(await until(1), [thread])
})

test.serial('a thread that a task ended says no goodbye', async (t) => {
  const { subject, until } = leaving(t)
  failureOf(t, await subject.end('good.exit'))
  const thread = resultOf(t, await subject.end('good.where'))
  await subject.pool.stop()
  t.deepEqual(await until(1), [thread])
})

test.serial('a teardown that fails is reported, and stops no other', async (t) => {
  const { subject, until } = leaving(t)
  const thread = resultOf(t, await subject.end('good.where'))
  resultOf(t, await subject.end('bad.nothing'))
  await subject.pool.stop()
  t.deepEqual(await until(1), [thread])
  t.like(subject.errors, [
    {
      message: 'teardown of module bad failed',
      cause: { name: 'RangeError', message: 'the connection was gone already' },
    },
  ])
})

test.serial(
  'a task that is deaf to the end of its pool keeps no other thread from its goodbye',
  async (t) => {
    const { subject, until } = leaving(t, { minThreads: 2, maxThreads: 2 })
    const deaf = await subject.waiting('good.deaf')
    const thread = resultOf(t, await subject.end('good.where'))
    await subject.pool.stop()
    t.deepEqual(await until(1), [thread])
    failureOf(t, await deaf.end, 'interrupted')
  },
)

test.serial(
  'a teardown that hangs is reported, keeps no other, and is not waited for any longer',
  async (t) => {
    const { subject, until } = leaving(t, {}, 'teardown-hangs-tasks.ts')
    const thread = resultOf(t, await subject.end('good.where'))
    await subject.pool.stop()
    t.deepEqual(await until(1), [thread])
    t.like(subject.errors, [
      {
        message: 'teardown of module hangs failed',
        cause: { code: 'AFTERWORK_TIMED_OUT', message: 'teardown took longer than 2000 ms' },
      },
    ])
  },
)

test.serial('a teardown that blocks its thread is reported, and the thread ended', async (t) => {
  const { subject } = leaving(t, {}, 'teardown-blocks-tasks.ts')
  const thread = resultOf(t, await subject.end('good.where'))
  await subject.pool.stop()
  t.deepEqual(
    subject.errors.map(({ message }) => message),
    [`teardown in thread ${thread} blocked it for longer than 2000 ms`],
  )
})

test.serial('to stop before any thread is there does not wait for one', async (t) => {
  const { subject } = leaving(t, { minThreads: 2, maxThreads: 2 })
  const before = performance.now()
  await subject.pool.stop()
  t.true(performance.now() - before < 4_000)
})

test.serial('a pool that is resized before it ran anything lets go of its threads', async (t) => {
  const { subject } = leaving(t)
  subject.pool.resize(one)
  subject.pool.resize({ ...one, env: subject.pool.sizes.env })
  await subject.pool.stop()
  t.deepEqual(subject.errors, [])
})
