import { mock } from 'node:test'
import test, { type ExecutionContext } from 'ava'
import { ids, newGroup, newTask, succeeded } from '../conformance/subject.ts'
import { openQueue } from './opened.ts'

const day = 86_400_000

/** A clock that a test sets. */
class Clock {
  now = Date.now()
  readonly tell = (): number => this.now
}

/** Time passes for timers when the test says so. */
function mockTimers(t: ExecutionContext): void {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
}

test.serial(
  'a clock that is put forward makes delayed tasks due at the next look, in their order',
  async (t) => {
    const clock = new Clock()
    mockTimers(t)
    const queue = await openQueue(t, { clock: clock.tell })
    const [late, early] = [newTask({ options: { delay: day } }), newTask({ options: { delay: day / 2 } })]
    const [first, second] = newGroup({}, { options: { delay: day } })
    await queue.add(late, early, first!, second!)
    await queue.end(t, first!)
    t.deepEqual(await queue.counters(), { scheduled: 3, succeeded: 1 })
    clock.now += 2 * day
    t.deepEqual(await queue.claim(), [])
    mock.timers.tick(60_000)
    await queue.until(() => queue.told.claimable.has('cpu'))
    await queue.counters()
    t.deepEqual(await queue.claim(), [late.id, early.id, second!.id])
    t.deepEqual(await queue.counters(), { queued: 3, succeeded: 1 })
  },
)

test.serial('a clock that is put back runs nothing twice, loses nothing and keeps the order', async (t) => {
  const clock = new Clock()
  mockTimers(t)
  const queue = await openQueue(t, { clock: clock.tell })
  const before = [newTask(), newTask(), newTask({ options: { delay: 60_000 } })]
  await queue.add(...before)
  await queue.run(t, before[0]!)
  clock.now -= day
  const after = [newTask(), newTask({ options: { delay: 5 } })]
  await queue.add(...after)
  t.deepEqual(await queue.claim(), ids([before[1]!, after[0]!]))
  t.deepEqual(await queue.claim(), [])
  clock.now += 5
  mock.timers.tick(5)
  t.is((await queue.next()).id, after[1]!.id)
  t.true(await queue.engine.record(before[0]!.id, 1, { state: 'succeeded', at: clock.now, result: null }))
  t.deepEqual(await queue.counters(), { queued: 3, scheduled: 1, succeeded: 1 })
  // As late as it was to be.
  clock.now += day + 60_000
  mock.timers.tick(60_000)
  t.is((await queue.next()).id, before[2]!.id)
  t.deepEqual(await queue.counters(), { queued: 4, succeeded: 1 })
})

test.serial(
  'a clock that is put back while the process is away holds up no rate limit longer than its window',
  async (t) => {
    const clock = new Clock()
    const options = { rateLimit: { max: 1, per: 200 } }
    const tasks = [newTask({ options }), newTask({ options })]
    let queue = await openQueue(t, { clock: clock.tell })
    await queue.add(...tasks)
    const { id } = await queue.next()
    await queue.engine.start([id], clock.now)
    await queue.engine.record(id, 1, succeeded())
    clock.now -= day
    queue = await queue.crash(t, { clock: clock.tell })
    t.is((await queue.next()).id, tasks[1]!.id)
  },
)

test.serial('a clock that jumps back and forth makes no id twice, and forgets no result early', async (t) => {
  const clock = new Clock()
  const queue = await openQueue(t, { clock: clock.tell })
  const tasks = []
  for (const jump of [0, -day, 10 * day, -30 * day, 21 * day]) {
    clock.now += jump
    const some = Array.from({ length: 30 }, () => newTask())
    await queue.add(...some)
    tasks.push(...some)
  }
  t.is(new Set(ids(tasks)).size, 150)
  t.deepEqual(await queue.claim(200), ids(tasks))
  await queue.engine.start(ids(tasks), clock.now)
  clock.now -= 5 * day
  for (const { id } of tasks)
    await queue.engine.record(id, 1, { state: 'succeeded', at: clock.now, result: '1' })
  t.deepEqual(await queue.counters(), { succeeded: 150 })
})
