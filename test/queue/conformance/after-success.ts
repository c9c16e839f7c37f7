import test from 'ava'
import type { NewTask } from '../../../src/core/task.ts'
import {
  cancelled,
  failed,
  failure,
  hour,
  ids,
  newGroup,
  newTask,
  retried,
  succeeded,
  type OpenSubject,
} from './subject.ts'

const careful = { options: { onlyAfterSuccess: true } }

/** `onlyAfterSuccess`: cancelled when an earlier task of the group did not succeed. */
export function onlyAfterSuccess(name: string, subject: OpenSubject): void {
  for (const settlement of [failed(), cancelled()]) {
    test(`${name}: a task only after success is cancelled when an earlier one is ${settlement.state}, and the rest go on`, async (t) => {
      const queue = await subject(t)
      const [a, b, c] = newGroup({}, careful, {}) as [NewTask, NewTask, NewTask]
      await queue.add(a, b, c)
      await queue.end(t, a, settlement)
      const record = (await queue.engine.get(b.id))!
      t.like(record, { state: 'cancelled', attempt: 0, startedAt: null, result: null })
      t.is(record.error?.code, 'AFTERWORK_PREDECESSOR_FAILED')
      t.is(record.endedAt, settlement.at)
      await queue.until(() => queue.told.cancelled.length > 0)
      t.deepEqual(queue.told.cancelled, [record])
      t.deepEqual(await queue.claim(), [c.id])
      t.deepEqual(await queue.counters(), {
        [settlement.state]: 1,
        cancelled: 1,
        queued: 1,
        ...(settlement.state === 'cancelled' && { cancelled: 2 }),
      })
    })
  }

  test(`${name}: a task only after success is cancelled when an earlier one was cancelled before it ran`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, careful) as [NewTask, NewTask]
    await queue.hold(a, b)
    await queue.engine.cancel(a.id, Date.now())
    await queue.engine.release([a.id, b.id])
    t.is((await queue.engine.get(b.id))?.error?.code, 'AFTERWORK_PREDECESSOR_FAILED')
    t.deepEqual(await queue.claim(), [])
  })

  test(`${name}: a task only after success runs when all earlier ones succeeded, retries included`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = newGroup({}, {}, careful) as [NewTask, NewTask, NewTask]
    await queue.add(a, b, c)
    await queue.end(t, a)
    await queue.end(t, b, retried(Date.now() - 1))
    t.is(await queue.state(c), 'queued')
    await queue.end(t, b)
    await queue.end(t, c)
    t.deepEqual(await queue.counters(), { succeeded: 3 })
  })

  test(`${name}: any earlier task counts, not just the one before`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = newGroup({}, {}, careful) as [NewTask, NewTask, NewTask]
    await queue.add(a, b, c)
    await queue.end(t, a, failed())
    t.is(await queue.state(c), 'queued')
    await queue.end(t, b)
    t.is(await queue.state(c), 'cancelled')
  })

  test(`${name}: the failure of another group, or of an unordered task, cancels nothing`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, careful) as [NewTask, NewTask]
    const [other, unordered] = [newTask(), newTask({ options: { ordered: false } })]
    await queue.add(other, unordered, a, b)
    await queue.end(t, other, failed())
    await queue.end(t, unordered, failed())
    await queue.end(t, a)
    t.deepEqual(await queue.claim(), [b.id])
  })

  test(`${name}: a task only after success that has a delay is cancelled without waiting for it`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, { options: { onlyAfterSuccess: true, delay: hour } }) as [NewTask, NewTask]
    await queue.add(a, b)
    await queue.end(t, a, failed())
    t.is(await queue.state(b), 'cancelled')
    t.deepEqual(await queue.counters(), { failed: 1, cancelled: 1 })
  })

  test(`${name}: a task only after success that is added once an earlier one of its group has failed is cancelled`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = newGroup({}, careful, {}) as [NewTask, NewTask, NewTask]
    await queue.add(a)
    await queue.end(t, a, failed())
    await queue.add(b, c)
    t.is((await queue.engine.get(b.id))?.error?.code, 'AFTERWORK_PREDECESSOR_FAILED')
    t.deepEqual(await queue.claim(), [c.id])
  })

  test(`${name}: 20,000 tasks only after success are cancelled at once`, async (t) => {
    const length = 20_000
    const queue = await subject(t, { bounds: { maxTasks: 30_000 }, retention: { tasks: 30_000 } })
    const [first, ...chain] = newGroup({}, ...Array.from({ length }, () => careful)) as [
      NewTask,
      ...NewTask[],
    ]
    const last = newTask({ group: first.group })
    await queue.add(first, ...chain, last)
    await queue.end(t, first, failed())
    await queue.until(() => queue.told.cancelled.length === length)
    t.deepEqual(ids(queue.told.cancelled), ids(chain))
    t.deepEqual(await queue.counters(), { failed: 1, cancelled: length, queued: 1 })
    t.deepEqual(await queue.claim(), [last.id])
  })

  test(`${name}: a failure goes along a chain of 5,000 groups at once`, async (t) => {
    const length = 5_000
    const queue = await subject(t, { bounds: { maxTasks: 30_000 }, retention: { tasks: 30_000 } })
    const first = newTask({ options: { unique: 'k0' } })
    const groups = Array.from({ length }, (_, i) =>
      newGroup(
        { options: { unique: `k${i}` } },
        { options: { unique: `k${i + 1}`, onlyAfterSuccess: true } },
      ),
    )
    await queue.add(first, ...groups.flat())
    await queue.end(t, first, { state: 'failed', at: Date.now(), failure })
    await queue.until(() => queue.told.cancelled.length === length)
    t.deepEqual(await queue.counters(), { failed: 1, cancelled: length })
  })

  test(`${name}: a success goes along a chain of groups one task at a time`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = newGroup({}, careful, careful) as [NewTask, NewTask, NewTask]
    await queue.add(a, b, c)
    for (const task of [a, b, c]) await queue.end(t, task, succeeded())
    t.deepEqual(queue.told.cancelled, [])
    t.deepEqual(await queue.counters(), { succeeded: 3 })
  })
}
