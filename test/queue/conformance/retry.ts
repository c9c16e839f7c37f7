import test from 'ava'
import { newId } from '../../../src/core/id.ts'
import type { NewTask } from '../../../src/core/task.ts'
import type { Settlement } from '../../../src/queue/queue.ts'
import {
  cancelled,
  failed,
  hour,
  interrupted,
  newGroup,
  newTask,
  retried,
  storedFile,
  succeeded,
  type OpenSubject,
} from './subject.ts'

/** Retry by hand: a failed or cancelled task runs again, and waits for nobody. */
export function retry(name: string, subject: OpenSubject): void {
  for (const settlement of [failed(), cancelled()]) {
    test(`${name}: a task that is ${settlement.state} is retried under its id, counting its attempts on`, async (t) => {
      const queue = await subject(t)
      const task = newTask({ args: '[5]' })
      await queue.add(task)
      await queue.end(t, task, settlement)
      const record = await queue.engine.retry(task.id)
      t.like(record, { id: task.id, state: 'queued', attempt: 1, endedAt: null, runAt: null, args: '[5]' })
      t.deepEqual(await queue.engine.get(task.id), record)
      t.deepEqual(await queue.counters(), { queued: 1 })
      t.like(await queue.end(t, task, succeeded('7')), { attempt: 2, failures: 0, args: '[5]' })
      t.like(await queue.engine.get(task.id), { state: 'succeeded', attempt: 2, result: '7', error: null })
      t.deepEqual(await queue.counters(), { succeeded: 1 })
    })
  }

  test(`${name}: a retry by hand has a fresh budget of retries`, async (t) => {
    const queue = await subject(t)
    const task = newTask({ options: { retries: 2 } })
    await queue.add(task)
    await queue.end(t, task, retried(Date.now() - 1))
    await queue.end(t, task, retried(Date.now() - 1))
    t.like(await queue.end(t, task, failed()), { attempt: 3, failures: 2 })
    await queue.engine.retry(task.id)
    t.like(await queue.end(t, task, retried(Date.now() - 1)), { attempt: 4, failures: 0 })
    t.like(await queue.end(t, task, failed()), { attempt: 5, failures: 1 })
  })

  test(`${name}: a suspect is claimed as one, until its next attempt has ended`, async (t) => {
    const queue = await subject(t)
    const task = newTask()
    await queue.add(task)
    t.like(await queue.end(t, task, { ...interrupted(), suspect: true } as Settlement), { suspect: false })
    await queue.claim()
    await queue.engine.giveBack([task.id])
    t.like(await queue.end(t, task, interrupted()), { suspect: true, attempt: 2 })
    t.like(await queue.end(t, task), { suspect: false, attempt: 3 })
  })

  test(`${name}: an attempt from before the retry by hand counts no more`, async (t) => {
    const queue = await subject(t)
    const task = newTask()
    await queue.add(task)
    await queue.end(t, task, failed())
    await queue.engine.retry(task.id)
    await queue.run(t, task)
    t.false(await queue.engine.record(task.id, 1, succeeded()))
    t.true(await queue.engine.record(task.id, 2, succeeded()))
  })

  test(`${name}: a task retried by hand waits for nobody, and nobody waits for it`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = newGroup({}, { options: { onlyAfterSuccess: true } }, {}) as [NewTask, NewTask, NewTask]
    await queue.add(a, b, c)
    await queue.run(t, a)
    await queue.engine.cancel(b.id, Date.now())
    await queue.engine.retry(b.id)
    await queue.run(t, b)
    t.deepEqual(await queue.claim(), [])
    t.true(await queue.engine.record(a.id, 1, failed()))
    t.deepEqual(await queue.claim(), [c.id])
    t.true(await queue.engine.record(b.id, 1, succeeded()))
    t.deepEqual(await queue.counters(), { failed: 1, succeeded: 1, queued: 1 })
  })

  test(`${name}: a task cancelled for its predecessor can be retried by hand`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, { options: { onlyAfterSuccess: true } }) as [NewTask, NewTask]
    await queue.add(a, b)
    await queue.end(t, a, failed())
    t.is(await queue.state(b), 'cancelled')
    await queue.engine.retry(b.id)
    t.like(await queue.end(t, b), { attempt: 1 })
    await queue.engine.retry(a.id)
    t.like(await queue.end(t, a), { attempt: 2 })
    t.deepEqual(await queue.counters(), { succeeded: 2 })
  })

  test(`${name}: a retry by hand waits neither for a delay nor for a release`, async (t) => {
    const queue = await subject(t)
    const [delayed, held] = [newTask({ options: { delay: hour } }), newTask()]
    await queue.add(delayed)
    await queue.hold(held)
    for (const { id } of [delayed, held]) {
      await queue.engine.cancel(id, Date.now())
      t.like(await queue.engine.retry(id), { state: 'queued', runAt: null })
    }
    t.deepEqual(await queue.claim(), [delayed.id, held.id])
  })

  test(`${name}: a task retried by hand goes by its priority and age`, async (t) => {
    const queue = await subject(t)
    const [old, young, high] = [newTask(), newTask(), newTask({ options: { priority: 1 } })] as const
    await queue.add(old, young, high)
    for (const { id } of [high, old]) await queue.engine.cancel(id, Date.now())
    for (const { id } of [old, high]) await queue.engine.retry(id)
    t.deepEqual(await queue.claim(), [high.id, old.id, young.id])
  })

  test(`${name}: it calls back when a task was retried by hand`, async (t) => {
    const queue = await subject(t)
    const task = newTask()
    await queue.add(task)
    await queue.end(t, task, failed())
    const next = queue.next()
    await queue.engine.retry(task.id)
    t.is((await next).id, task.id)
  })

  test(`${name}: a task that has not ended, or succeeded, cannot be retried by hand`, async (t) => {
    const queue = await subject(t)
    const [task, scheduled] = [newTask(), newTask({ options: { delay: hour } })]
    const refused = async ({ id }: NewTask) => {
      const before = await queue.engine.get(id)
      await t.throwsAsync(queue.engine.retry(id), { code: 'AFTERWORK_CONFLICT' })
      t.deepEqual(await queue.engine.get(id), before)
    }
    await queue.add(scheduled)
    await refused(scheduled)
    await queue.hold(task)
    await refused(task)
    await queue.engine.release([task.id])
    await refused(task)
    await queue.claim()
    await refused(task)
    await queue.start(task)
    await refused(task)
    t.true(await queue.engine.record(task.id, 1, succeeded()))
    await refused(task)
    t.deepEqual(await queue.counters(), { succeeded: 1, scheduled: 1 })
    await t.throwsAsync(queue.engine.retry(newId()), { code: 'AFTERWORK_TASK_NOT_FOUND' })
  })

  test(`${name}: a task is retried once, however many ask at the same time`, async (t) => {
    const queue = await subject(t)
    const task = newTask()
    await queue.add(task)
    await queue.end(t, task, failed())
    const answers = await Promise.allSettled(Array.from({ length: 5 }, () => queue.engine.retry(task.id)))
    t.is(answers.filter(({ status }) => status === 'fulfilled').length, 1)
    t.deepEqual(await queue.claim(), [task.id])
    t.deepEqual(await queue.counters(), { queued: 1 })
  })

  test(`${name}: a retry by hand is refused while another task has its key`, async (t) => {
    const queue = await subject(t)
    const [old, young] = [newTask({ options: { unique: 'k' } }), newTask({ options: { unique: 'k' } })]
    await queue.add(old)
    await queue.end(t, old, failed())
    await queue.add(young)
    await t.throwsAsync(queue.engine.retry(old.id), { code: 'AFTERWORK_CONFLICT' })
    t.is(await queue.state(old), 'failed')
    await queue.end(t, young)
    await queue.engine.retry(old.id)
    t.deepEqual(await queue.claim(), [old.id])
  })

  test(`${name}: a task retried by hand has its key again, and groups wait for it`, async (t) => {
    const queue = await subject(t)
    const old = newTask({ options: { unique: 'k' } })
    const [alias, next] = newGroup({ options: { unique: 'k' } }, {}) as [NewTask, NewTask]
    await queue.add(old)
    await queue.end(t, old, failed())
    await queue.engine.retry(old.id)
    await queue.add(alias, next)
    t.is((await queue.engine.get(alias.id))?.id, old.id)
    await queue.run(t, old)
    t.deepEqual(await queue.claim(), [])
    t.true(await queue.engine.record(old.id, 2, succeeded()))
    t.deepEqual(await queue.claim(), [next.id])
  })

  test(`${name}: a task retried by hand is not forgotten while it lives, and then as the latest to end`, async (t) => {
    const queue = await subject(t, { retention: { tasks: 1 } })
    const file = storedFile()
    const [task, other] = [newTask({ files: [file] }), newTask()]
    await queue.add(task, other)
    await queue.end(t, task, failed())
    await queue.engine.retry(task.id)
    t.deepEqual(await queue.engine.file(file.id), { file, inUse: true, endedAt: null })
    await queue.claim()
    await queue.start(task, other)
    t.true(await queue.engine.record(other.id, 1, failed()))
    t.is(await queue.state(task), 'running')
    t.true(await queue.engine.record(task.id, 2, succeeded()))
    t.is(await queue.engine.get(other.id), undefined)
    t.is(await queue.state(task), 'succeeded')
    t.deepEqual(await queue.counters(), { succeeded: 1 })
  })
}
