import test from 'ava'
import { taskStates, type NewTask } from '../../../src/core/task.ts'
import {
  cancelled,
  failed,
  hour,
  newGroup,
  newTask,
  retried,
  succeeded,
  type OpenSubject,
} from './subject.ts'

const full = { code: 'AFTERWORK_QUEUE_FULL' }

function keyed(unique: string, args = '[]'): NewTask {
  return newTask({ args, options: { unique } })
}

/** Bounds and counters, to the last task and byte. */
export function exact(name: string, subject: OpenSubject): void {
  test(`${name}: aliases count for nothing, also where the queue is full`, async (t) => {
    const queue = await subject(t, { bounds: { maxTasks: 2, maxBytes: 20 } })
    await queue.add(keyed('a', '["12345678"]'))
    const [again, twice] = [keyed('a', '["123456789012345678901234567890"]'), keyed('b')]
    await queue.add(again, twice, keyed('b'), keyed('b'))
    t.deepEqual(await queue.counters(), { queued: 2 })
    await queue.add(keyed('a'), keyed('b'))
    await t.throwsAsync(queue.add(newTask()), full)
    const [alias, other] = [keyed('a'), keyed('c')]
    await t.throwsAsync(queue.add(alias, other), full)
    for (const { id } of [alias, other]) t.is(await queue.engine.get(id), undefined)
    await queue.engine.cancel(twice.id, Date.now())
    await queue.add(keyed('c', '["12"]'))
    await t.throwsAsync(queue.add(newTask({ args: '' })), full)
  })

  test(`${name}: aliases are taken also where the queue holds more than it may`, async (t) => {
    const queue = await subject(t, { bounds: { maxTasks: 1 } })
    await queue.engine.add([keyed('a'), newTask()], { held: false, unbounded: true })
    const alias = keyed('a')
    await queue.add(alias)
    t.is(await queue.state(alias), 'queued')
    await t.throwsAsync(queue.add(newTask()), full)
  })

  test(`${name}: of two with the same key in one batch one counts`, async (t) => {
    const queue = await subject(t, { bounds: { maxTasks: 1, maxBytes: 10 } })
    await queue.add(keyed('a', '["123456"]'), keyed('a', '["123456"]'))
    t.deepEqual(await queue.counters(), { queued: 1 })
    await t.throwsAsync(queue.add(newTask({ args: '' })), full)
  })

  test(`${name}: what is cancelled or ends in any way leaves the room it took`, async (t) => {
    const queue = await subject(t, { bounds: { maxTasks: 4, maxBytes: 40 } })
    for (let round = 0; round < 3; round++) {
      const [a, b, c, d] = newGroup(
        { args: '["123456"]' },
        { args: '["123456"]', options: { onlyAfterSuccess: true } },
        { args: '["123456"]', options: { onlyAfterSuccess: true } },
        { args: '["123456"]', options: { delay: hour } },
      ) as [NewTask, NewTask, NewTask, NewTask]
      await queue.add(a, b, c, d)
      await t.throwsAsync(queue.add(newTask({ args: '' })), full)
      await queue.engine.cancel(c.id, Date.now())
      await queue.end(t, a, failed())
      t.is(await queue.state(b), 'cancelled')
      t.is(await queue.state(d), 'scheduled')
      const more = newTask({ args: '["12345678901234567890123456"]' })
      await queue.add(more)
      await t.throwsAsync(queue.add(newTask({ args: '1' })), full)
      await queue.engine.cancel(d.id, Date.now())
      await queue.end(t, more, cancelled())
    }
    t.deepEqual(await queue.counters(), { failed: 3, cancelled: 12 })
  })

  test(`${name}: a retry by hand is never refused for the bounds, and counts in them again`, async (t) => {
    const queue = await subject(t, { bounds: { maxTasks: 2, maxBytes: 20 } })
    const [task, other] = [newTask({ args: '["123456"]' }), newTask({ args: '["12345"]' })]
    await queue.add(task)
    await queue.end(t, task, failed())
    await queue.add(other, newTask({ args: '["12345"]' }))
    await queue.engine.retry(task.id)
    await queue.engine.cancel(other.id, Date.now())
    await t.throwsAsync(queue.add(newTask({ args: '' })), full)
    await queue.end(t, task)
    await t.throwsAsync(queue.add(newTask({ args: '["12345678"]' })), full)
    await queue.add(newTask({ args: '["1234567"]' }))
    t.deepEqual(await queue.counters(), { succeeded: 1, cancelled: 1, queued: 2 })
  })

  test(`${name}: counters, list and get agree after everything that can happen`, async (t) => {
    const queue = await subject(t)
    const agree = async () => {
      const { engine } = queue
      const counters = await engine.counters()
      const all = await engine.list({ limit: 1_000 })
      for (const state of taskStates) {
        const listed = await engine.list({ state, limit: 1_000 })
        t.is(listed.length, counters[state], state)
        t.deepEqual(
          listed,
          all.filter((record) => record.state === state),
        )
      }
      for (const record of all) t.deepEqual(await engine.get(record.id), record)
    }
    const [a, b, c] = newGroup({}, { options: { onlyAfterSuccess: true } }, { options: { unique: 'k' } }) as [
      NewTask,
      NewTask,
      NewTask,
    ]
    const [held, later, limited] = [
      newTask(),
      newTask({ options: { delay: hour } }),
      newTask({ name: 'one', options: { concurrency: 1 } }),
    ] as const
    const steps: (() => unknown)[] = [
      () => queue.add(a, b, c, keyed('k')),
      () => queue.hold(held),
      () => queue.add(later, limited, newTask({ name: 'one', options: { concurrency: 1 } })),
      () => queue.engine.pause('cpu'),
      () => queue.engine.resume('cpu'),
      () => queue.claim(),
      () => queue.engine.giveBack([limited.id]),
      () => queue.engine.start([a.id], Date.now()),
      () => queue.engine.cancel(a.id, Date.now()),
      () => queue.engine.record(a.id, 1, failed(), [newTask()]),
      () => queue.engine.record(a.id, 1, succeeded()),
      () => queue.engine.retry(a.id),
      () => queue.engine.retry(b.id),
      () => queue.engine.cancel(held.id, Date.now()),
      () => queue.engine.cancel(later.id, Date.now()),
      () => queue.engine.retry(later.id),
      () => queue.claim(),
      () => queue.engine.start([a.id, b.id, later.id], Date.now()),
      () => queue.engine.record(b.id, 1, retried(Date.now() + hour)),
      () => queue.engine.record(later.id, 1, succeeded()),
      () => queue.engine.cancel(b.id, Date.now()),
    ]
    for (const step of steps) {
      await step()
      await agree()
    }
  })
}
