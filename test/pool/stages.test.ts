import test from 'ava'
import { again, failureOf, resultOf, Subject } from './subject.ts'

/** A task that does not heed its signal has so long, in milliseconds, before its thread ends. */
const grace = 1_000

test.serial(
  'a running task that heeds its signal is cancelled at once, and its thread goes on',
  async (t) => {
    const subject = new Subject(t)
    const run = await subject.waiting('stages.heeding')
    const before = performance.now()
    subject.pool.cancel(run.task.id, 1)
    const end = await run.end
    t.true(performance.now() - before < grace)
    t.like(failureOf(t, end, 'cancelled'), {
      code: 'AFTERWORK_CANCELLED',
      message: 'stages.heeding was cancelled',
      cause: { name: 'AbortError', cause: { code: 'AFTERWORK_CANCELLED' } },
    })
    t.is((await subject.end('stages.work', [0])).thread, end.thread)
  },
)

for (const name of ['deaf', 'busy']) {
  test.serial(`a running task that is ${name} is cancelled after a second, with its thread`, async (t) => {
    const subject = new Subject(t, { concurrency: 2 })
    const neighbour = await subject.waiting('stages.deaf')
    const run = await subject.waiting(`stages.${name}`)
    const before = performance.now()
    subject.pool.cancel(run.task.id, 1)
    const end = await run.end
    t.true(performance.now() - before >= grace - 1)
    t.like(failureOf(t, end, 'cancelled'), { code: 'AFTERWORK_CANCELLED', cause: undefined })
    failureOf(t, await neighbour.end, 'interrupted')
    const next = await subject.end('stages.work', [0])
    resultOf(t, next)
    t.not(next.thread, end.thread)
  })
}

test.serial('a task that has not begun is cancelled when it does, and does nothing', async (t) => {
  const subject = new Subject(t, { minThreads: 0 })
  const run = subject.start('stages.heeding')
  subject.pool.cancel(run.task.id, 1)
  t.is(failureOf(t, await run.end, 'cancelled').code, 'AFTERWORK_CANCELLED')
})

test.serial('to cancel another attempt, or a task that does not run, changes nothing', async (t) => {
  const subject = new Subject(t)
  const run = await subject.waiting('stages.heeding')
  subject.pool.cancel(run.task.id, 2)
  subject.pool.cancel('no such task', 1)
  t.is(subject.pool.free, 0)
  subject.pool.cancel(run.task.id, 1)
  failureOf(t, await run.end, 'cancelled')
})

test.serial('what a task throws when it is stopped is the cause', async (t) => {
  const subject = new Subject(t)
  const run = await subject.waiting('stages.saysHowFar', [], { timeout: 20 })
  t.like(failureOf(t, await run.end), {
    code: 'AFTERWORK_TIMED_OUT',
    cause: { name: 'RangeError', code: 'HALF', message: 'only half of it' },
  })
})

test.serial('a second reason to stop changes neither the first nor its grace', async (t) => {
  const subject = new Subject(t)
  const run = await subject.waiting('stages.deaf', [], { timeout: 20 })
  subject.pool.cancel(run.task.id, 1)
  const before = performance.now()
  t.is(failureOf(t, await run.end, 'cancelled').code, 'AFTERWORK_CANCELLED')
  t.true(performance.now() - before < 2 * grace)
})

test.serial('a timeout counts from the start of the attempt, not from when it was handed over', async (t) => {
  const subject = new Subject(t, { concurrency: 2 })
  // The second is on the same thread, and begins only when the first lets it.
  const [first, second] = [
    subject.start('stages.work', [400], { timeout: 10_000 }),
    subject.start('stages.work', [0], { timeout: 200 }),
  ]
  const [, end] = [await first.end, await second.end]
  t.is(resultOf(t, end).threadId, end.thread)
})

test.serial('the timeout of each attempt is its own', async (t) => {
  const subject = new Subject(t)
  const run = subject.start('stages.heeding', [], { timeout: 50 })
  t.is(failureOf(t, await run.end).code, 'AFTERWORK_TIMED_OUT')
  const second = await subject.run(again(run.task)).end
  t.is(failureOf(t, second).code, 'AFTERWORK_TIMED_OUT')
})
