import test, { type ExecutionContext } from 'ava'
import { newId } from '../../../src/core/id.ts'
import type { NewTask } from '../../../src/core/task.ts'
import {
  cancelled,
  failed,
  hour,
  ids,
  newGroup,
  newTask,
  retried,
  succeeded,
  type OpenSubject,
  type Subject,
} from './subject.ts'

/** Cancels a task that does not run: it has ended at once, and whoever works on the tasks is told so once. */
async function cancelAtOnce(t: ExecutionContext, queue: Subject, { id }: { id: string }): Promise<void> {
  const at = Date.now()
  const told = queue.told.cancelled.length
  const record = await queue.engine.cancel(id, at)
  t.like(record, { id, state: 'cancelled', result: null, endedAt: at })
  t.is(record.error?.code, 'AFTERWORK_CANCELLED')
  t.deepEqual(await queue.engine.get(id), record)
  await queue.until(() => queue.told.cancelled.length > told)
  t.deepEqual(queue.told.cancelled.slice(told), [record])
  t.deepEqual(queue.told.cancel, [])
}

/** Cancel: what waits has ended at once, what runs is asked to. */
export function cancel(name: string, subject: OpenSubject): void {
  test(`${name}: a held task is cancelled, and its release changes nothing`, async (t) => {
    const queue = await subject(t)
    const task = newTask()
    await queue.hold(task)
    await cancelAtOnce(t, queue, task)
    await queue.engine.release([task.id])
    t.deepEqual(await queue.claim(), [])
    t.deepEqual(await queue.counters(), { cancelled: 1 })
  })

  test(`${name}: a queued task is cancelled and cannot be claimed`, async (t) => {
    const queue = await subject(t)
    const [task, other] = [newTask(), newTask()]
    await queue.add(task, other)
    await cancelAtOnce(t, queue, task)
    t.like(await queue.engine.get(task.id), { attempt: 0, startedAt: null })
    t.deepEqual(await queue.claim(), [other.id])
    t.deepEqual(await queue.counters(), { cancelled: 1, queued: 1 })
  })

  test(`${name}: a scheduled task is cancelled and does not come due`, async (t) => {
    const queue = await subject(t)
    const runAt = Date.now() + 500
    const [task, waiting, later] = [
      newTask({ options: { runAt } }),
      newTask(),
      newTask({ options: { runAt: runAt + 500 } }),
    ] as const
    await queue.add(task, waiting, later)
    await queue.end(t, waiting, retried(runAt))
    await cancelAtOnce(t, queue, task)
    await cancelAtOnce(t, queue, waiting)
    t.is((await queue.next()).id, later.id)
    t.like(await queue.engine.get(waiting.id), { state: 'cancelled', attempt: 1 })
    t.deepEqual(await queue.counters(), { cancelled: 2, queued: 1 })
  })

  test(`${name}: a claimed task that has not started is cancelled and does not start`, async (t) => {
    const queue = await subject(t)
    const [task, other] = [newTask(), newTask()]
    await queue.add(task, other)
    await queue.claim()
    await cancelAtOnce(t, queue, task)
    t.deepEqual(await queue.engine.start([task.id, other.id], Date.now()), [other.id])
    t.false(await queue.engine.record(task.id, 1, succeeded()))
    await queue.engine.giveBack([task.id])
    t.deepEqual(await queue.claim(), [])
    t.like(await queue.engine.get(task.id), { state: 'cancelled', attempt: 0, startedAt: null })
    t.deepEqual(await queue.counters(), { cancelled: 1, running: 1 })
  })

  test(`${name}: a running task is asked to stop, and nothing else changes until it has ended`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, {}) as [NewTask, NewTask]
    await queue.add(a, b)
    await queue.end(t, a, retried(Date.now() - 1))
    await queue.run(t, a)
    const before = await queue.engine.get(a.id)
    t.deepEqual(await queue.engine.cancel(a.id, Date.now()), before)
    await queue.until(() => queue.told.cancel.length > 0)
    t.deepEqual(queue.told.cancel, [{ id: a.id, attempt: 2 }])
    t.deepEqual(queue.told.cancelled, [])
    t.deepEqual(await queue.engine.get(a.id), before)
    t.deepEqual(await queue.claim(), [])
    const settlement = cancelled()
    t.true(await queue.engine.record(a.id, 2, settlement))
    t.like(await queue.engine.get(a.id), { state: 'cancelled', attempt: 2, endedAt: settlement.at })
    t.deepEqual(queue.told.cancelled, [])
    t.deepEqual(await queue.claim(), [b.id])
    t.deepEqual(await queue.counters(), { cancelled: 1, queued: 1 })
  })

  test(`${name}: a running task that ends before it heeds the cancel has ended as it did`, async (t) => {
    const queue = await subject(t)
    const task = newTask()
    await queue.add(task)
    await queue.run(t, task)
    await queue.engine.cancel(task.id, Date.now())
    t.true(await queue.engine.record(task.id, 1, succeeded('5')))
    t.like(await queue.engine.get(task.id), { state: 'succeeded', result: '5' })
  })

  for (const settlement of [succeeded(), failed(), cancelled()]) {
    test(`${name}: a task that has ended, ${settlement.state}, cannot be cancelled`, async (t) => {
      const queue = await subject(t)
      const task = newTask()
      await queue.add(task)
      await queue.end(t, task, settlement)
      const before = await queue.engine.get(task.id)
      await t.throwsAsync(queue.engine.cancel(task.id, Date.now()), { code: 'AFTERWORK_CONFLICT' })
      t.deepEqual(await queue.engine.get(task.id), before)
      t.deepEqual(queue.told, { ...queue.told, cancel: [], cancelled: [] })
      t.deepEqual(await queue.counters(), { [settlement.state]: 1 })
    })
  }

  test(`${name}: a task is cancelled once, however many ask at the same time`, async (t) => {
    const queue = await subject(t)
    const task = newTask()
    await queue.add(task)
    const answers = await Promise.allSettled(
      Array.from({ length: 5 }, () => queue.engine.cancel(task.id, Date.now())),
    )
    t.is(answers.filter(({ status }) => status === 'fulfilled').length, 1)
    t.deepEqual(ids(queue.told.cancelled), [task.id])
    t.deepEqual(await queue.counters(), { cancelled: 1 })
  })

  test(`${name}: a task that is not there cannot be cancelled`, async (t) => {
    const queue = await subject(t)
    for (const id of [newId(), '', '../x', "' OR 1=1 --"]) {
      await t.throwsAsync(queue.engine.cancel(id, Date.now()), { code: 'AFTERWORK_TASK_NOT_FOUND' })
    }
  })

  test(`${name}: tasks cancelled in the middle of a group do not disturb its order`, async (t) => {
    const queue = await subject(t)
    const tasks = newGroup({}, {}, {}, {}, {}) as [NewTask, NewTask, NewTask, NewTask, NewTask]
    const [a, b, c, d, e] = tasks
    await queue.add(...tasks)
    await cancelAtOnce(t, queue, b)
    await cancelAtOnce(t, queue, d)
    t.deepEqual(await queue.claim(), [a.id])
    await queue.start(a)
    t.deepEqual(await queue.claim(), [])
    t.true(await queue.engine.record(a.id, 1, succeeded()))
    await queue.run(t, c)
    t.deepEqual(await queue.claim(), [])
    t.true(await queue.engine.record(c.id, 1, succeeded()))
    await queue.end(t, e)
    t.deepEqual(await queue.counters(), { succeeded: 3, cancelled: 2 })
  })

  test(`${name}: a group goes on when its head is cancelled, queued, scheduled or claimed`, async (t) => {
    const queue = await subject(t)
    const [a, b, c, d] = newGroup({}, { options: { delay: hour } }, {}, {}) as [
      NewTask,
      NewTask,
      NewTask,
      NewTask,
    ]
    await queue.add(a, b, c, d)
    await cancelAtOnce(t, queue, a)
    t.is(await queue.state(b), 'scheduled')
    await cancelAtOnce(t, queue, b)
    t.is((await queue.next()).id, c.id)
    await cancelAtOnce(t, queue, c)
    t.is((await queue.next()).id, d.id)
  })

  test(`${name}: a group that waits for a task by its key goes on when that is cancelled`, async (t) => {
    const queue = await subject(t)
    const live = newTask({ options: { unique: 'k', delay: hour } })
    const [alias, next] = newGroup({ options: { unique: 'k' } }, {}) as [NewTask, NewTask]
    await queue.add(live)
    await queue.add(alias, next)
    await cancelAtOnce(t, queue, live)
    t.is((await queue.next()).id, next.id)
  })

  test(`${name}: all who subscribed are told`, async (t) => {
    const queue = await subject(t)
    const [waiting, running] = [newTask({ options: { delay: hour } }), newTask()]
    const told: string[] = []
    const allTold = new Promise<void>((resolve) => {
      const tell = (what: string): void => void (told.push(what) === 2 && resolve())
      queue.engine.subscribe({
        cancel: (id) => tell(`cancel ${id}`),
        cancelled: ({ id }) => tell(`cancelled ${id}`),
        added: () => t.fail(),
      })
    })
    await queue.add(waiting, running)
    await queue.run(t, running)
    await cancelAtOnce(t, queue, waiting)
    await queue.engine.cancel(running.id, Date.now())
    await allTold
    t.deepEqual(told, [`cancelled ${waiting.id}`, `cancel ${running.id}`])
  })
}
