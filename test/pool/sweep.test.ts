import test from 'ava'
import { claimedTask } from './claimed-task.ts'
import { again, failureOf, resultOf, Subject } from './subject.ts'

/** How late a sweep may be, in milliseconds, on a machine that others use too. */
const late = 400

test.serial('a timeout is never early, and late by little', async (t) => {
  const subject = new Subject(t)
  for (const timeout of [1, 40, 100]) {
    const end = await subject.end('stages.heeding', [], { timeout })
    const took = Date.now() - end.startedAt!
    t.is(failureOf(t, end).code, 'AFTERWORK_TIMED_OUT')
    t.true(took >= timeout && took < timeout + late, `${took} ms instead of ${timeout}`)
  }
})

test.serial('a clock that is set forward or back ends nobody before its time, or late', async (t) => {
  const now = Date.now
  t.teardown(() => (Date.now = now))
  for (const hours of [1, -1]) {
    Date.now = () => now() + hours * 3_600_000
    const subject = new Subject(t)
    resultOf(t, await subject.end('deaths.nap', [300], { timeout: 5_000 }))
    const before = performance.now()
    failureOf(t, await subject.end('stages.heeding', [], { timeout: 200 }))
    t.true(performance.now() - before < 200 + late)
  }
})

test.serial('attempts share one timer, which goes when nothing runs', async (t) => {
  const { setInterval: set, clearInterval: clear } = globalThis
  const alive = new Set<unknown>()
  let made = 0
  t.teardown(() => Object.assign(globalThis, { setInterval: set, clearInterval: clear }))
  let gone = (): void => {}
  Object.assign(globalThis, {
    setInterval: (...args: Parameters<typeof set>) => {
      const timer = set(...args)
      made++
      alive.add(timer)
      return timer
    },
    clearInterval: (timer: NodeJS.Timeout) => {
      clear(timer)
      alive.delete(timer)
      gone()
    },
  })
  const subject = new Subject(t, { concurrency: 10 })
  const over = new Promise<void>((resolve) => (gone = resolve))
  for (let round = 0; round < 10; round++) {
    const runs = Array.from({ length: 10 }, () => subject.start('stages.work', [0]))
    for (const { end } of runs) resultOf(t, await end)
  }
  t.true(made <= 3, `${made} timers`)
  // It is no timer that keeps the process, so this test must.
  const awake = setTimeout(() => {}, 10_000)
  while (alive.size > 0) await over
  clearTimeout(awake)
  t.is(alive.size, 0)
})

test.serial('one of a batch that is cancelled before its turn is told when it comes', async (t) => {
  const subject = new Subject(t)
  const [first, second] = [
    subject.start('stages.heeding', [], { batch: true }),
    subject.start('stages.heeding', [], { batch: true }),
  ]
  subject.pool.cancel(second.task.id, 1)
  while (subject.lines.length === 0) await new Promise(setImmediate)
  subject.pool.cancel(first.task.id, 1)
  t.is(failureOf(t, await first.end, 'cancelled').code, 'AFTERWORK_CANCELLED')
  const end = await second.end
  t.is(failureOf(t, end, 'cancelled').code, 'AFTERWORK_CANCELLED')
  t.is(end.thread, (await first.end).thread)
})

test.serial('one that has ended uses up no time while the others of its batch run', async (t) => {
  const subject = new Subject(t)
  const failing = again(claimedTask('deaths.unlucky', [5], { batch: true, timeout: 100 }))
  const failed = subject.run(failing)
  const other = subject.start('stages.work', [400], { batch: true })
  t.is(failureOf(t, await failed.end).message, 'failure 1')
  t.is((await other.end).thread, (await failed.end).thread)
})

test.serial('of a batch that is at work, only what has begun uses up its time', async (t) => {
  const subject = new Subject(t)
  const runs = [200, 200, 200].map((milliseconds) =>
    subject.start('stages.work', [milliseconds], { batch: true, timeout: 500 }),
  )
  for (const { end } of runs) t.is((await end).outcome.kind, 'succeeded')
})

/** The threads that take a task each when there is one for every thread. */
async function bothThreads(subject: Subject): Promise<Set<number | null>> {
  const runs = [await subject.waiting('stages.heeding'), await subject.waiting('stages.heeding')]
  for (const { task } of runs) subject.pool.cancel(task.id, 1)
  return new Set((await Promise.all(runs.map(({ end }) => end))).map(({ thread }) => thread))
}

test.serial('a batch whose first is long at work costs no thread that has nothing to do', async (t) => {
  const subject = new Subject(t, { minThreads: 2, maxThreads: 2 })
  const before = await bothThreads(subject)
  const runs = [5_600, 0].map((time) => subject.start('stages.work', [time], { batch: true }))
  for (const { end } of runs) resultOf(t, await end)
  t.deepEqual(await bothThreads(subject), before)
})
