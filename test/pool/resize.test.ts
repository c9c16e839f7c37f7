import test from 'ava'
import { again, failureOf, resultOf, Subject, type Run } from './subject.ts'

const sizes = { minThreads: 1, maxThreads: 1, concurrency: 1, nice: 0, env: process.env }

test.serial('down to one under load: what runs goes on to its end, and nothing is lost', async (t) => {
  const subject = new Subject(t, { minThreads: 4, maxThreads: 4 })
  const running: Run[] = []
  for (let i = 0; i < 4; i++) running.push(await subject.waiting('deaths.holdMemory', [1]))
  subject.pool.resize(sizes)
  t.like(subject.pool.state, { maxThreads: 1, running: 4 })
  t.is(subject.pool.free, 0)
  for (const { task } of running.slice(0, 3)) subject.pool.cancel(task.id, 1)
  for (const { end } of running.slice(0, 3)) t.is(resultOf(t, await end), 1)
  t.is(subject.pool.free, 0)
  subject.pool.cancel(running[3]!.task.id, 1)
  t.is(resultOf(t, await running[3]!.end), 1)
  t.is(subject.pool.free, 1)
  const next = await subject.end('stages.work', [0])
  t.false((await Promise.all(running.map(({ end }) => end))).some(({ thread }) => thread === next.thread))
})

test.serial('up to four under load: there is room at once, beside what runs', async (t) => {
  const subject = new Subject(t)
  const first = await subject.waiting('deaths.neighbour')
  t.is(subject.pool.free, 0)
  subject.pool.resize({ ...sizes, minThreads: 4, maxThreads: 4 })
  t.is(subject.pool.free, 3)
  const more: Run[] = []
  for (let i = 0; i < 3; i++) more.push(await subject.waiting('deaths.neighbour'))
  t.is(subject.pool.free, 0)
  for (const { task } of [first, ...more]) subject.pool.cancel(task.id, 1)
  const ends = await Promise.all([first, ...more].map(({ end }) => end))
  t.is(new Set(ends.map(({ thread }) => thread)).size, 4)
})

test.serial('again and again under load, every attempt ends once', async (t) => {
  const subject = new Subject(t, { minThreads: 0, maxThreads: 2, concurrency: 2 })
  const running = new Set<Promise<unknown>>()
  let ended = 0
  for (let i = 0; i < 60; i++) {
    if (i % 10 === 0)
      subject.pool.resize({ ...sizes, minThreads: 0, maxThreads: 1 + (i % 4), concurrency: 1 + (i % 3) })
    while (subject.pool.free === 0) await Promise.race(running)
    const run: Promise<unknown> = subject.end('stages.work', [1]).then((end) => {
      running.delete(run)
      resultOf(t, end)
      ended++
    })
    running.add(run)
  }
  await Promise.all(running)
  t.is(ended, 60)
  t.is(subject.pool.state.running, 0)
})

test.serial('a thread of the old size that dies costs its own tasks only', async (t) => {
  const subject = new Subject(t, { concurrency: 2 })
  const neighbour = await subject.waiting('deaths.neighbour')
  const busy = await subject.waiting('stages.busy', [], { timeout: 100 })
  subject.pool.resize({ ...sizes, maxThreads: 3 })
  const fresh = await subject.waiting('deaths.neighbour')
  t.is(failureOf(t, await busy.end).code, 'AFTERWORK_TIMED_OUT')
  failureOf(t, await neighbour.end, 'interrupted')
  resultOf(t, await subject.run(again(neighbour.task)).end)
  subject.pool.cancel(fresh.task.id, 1)
  failureOf(t, await fresh.end, 'cancelled')
})

test.serial('to stop right after a resize ends both sizes', async (t) => {
  const subject = new Subject(t)
  const run = await subject.waiting('deaths.neighbour')
  subject.pool.resize({ ...sizes, maxThreads: 2 })
  await subject.pool.stop()
  failureOf(t, await run.end, 'interrupted')
  t.is(subject.pool.free, 2)
})
