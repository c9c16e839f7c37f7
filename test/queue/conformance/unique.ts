import test from 'ava'
import { newId } from '../../../src/core/id.ts'
import type { NewTask } from '../../../src/core/task.ts'
import {
  cancelled,
  failed,
  failure,
  hour,
  ids,
  interrupted,
  newTask,
  retried,
  succeeded,
  type OpenSubject,
  type Wanted,
} from './subject.ts'

export function keyed(unique: string, { options, ...given }: Wanted = {}): NewTask {
  return newTask({ ...given, options: { ...options, unique } })
}

/** `unique`: one live task a name and key. */
export function unique(name: string, subject: OpenSubject): void {
  test(`${name}: adding another task with the key of a live one gives the live one`, async (t) => {
    const queue = await subject(t)
    const [first, second] = [keyed('k', { args: '[1]' }), keyed('k', { args: '[2]' })]
    await queue.add(first)
    await queue.add(second)
    const record = (await queue.engine.get(first.id))!
    t.is(record.args, '[1]')
    t.deepEqual(await queue.engine.get(second.id), record)
    t.deepEqual(await queue.engine.list({ limit: 10 }), [record])
    t.deepEqual(await queue.counters(), { queued: 1 })
    t.deepEqual(await queue.claim(), [first.id])
  })

  test(`${name}: a key is one of its name, and tasks without a key are never the same`, async (t) => {
    const queue = await subject(t)
    const tasks = [
      keyed('k'),
      keyed('k', { name: 'mail.send' }),
      keyed('l'),
      keyed('K'),
      newTask(),
      newTask(),
    ] as const
    await queue.add(...tasks)
    t.deepEqual(await queue.claim(), ids(tasks))
  })

  test(`${name}: a key may be any text`, async (t) => {
    const queue = await subject(t)
    const keys = ['%', '_', "'", '"', '\\', '\n', 'ü', '👍', ' ', '__proto__', 'x'.repeat(1_000)]
    const tasks = keys.map((key) => keyed(key))
    await queue.add(...tasks)
    await queue.add(...keys.map((key) => keyed(key)))
    t.deepEqual(await queue.claim(), ids(tasks))
  })

  test(`${name}: of one batch the first with a key is the task`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = [keyed('k'), keyed('k'), keyed('k')] as const
    await queue.add(a, b, c)
    t.deepEqual(await queue.claim(), [a.id])
    for (const { id } of [b, c]) t.is((await queue.engine.get(id))?.id, a.id)
  })

  test(`${name}: a key is taken while its task is held, waits, is claimed or runs`, async (t) => {
    const queue = await subject(t)
    const task = keyed('k')
    const stands = async () => {
      const alias = keyed('k')
      await queue.add(alias)
      t.is((await queue.engine.get(alias.id))?.id, task.id)
    }
    await queue.hold(task)
    await stands()
    await queue.engine.release([task.id])
    await stands()
    await queue.claim()
    await stands()
    await queue.start(task)
    await stands()
    t.true(await queue.engine.record(task.id, 1, interrupted()))
    await stands()
    await queue.end(t, task, retried(Date.now() + hour))
    await stands()
    t.deepEqual(await queue.counters(), { scheduled: 1 })
  })

  for (const settlement of [succeeded('5'), failed(), cancelled()]) {
    test(`${name}: a key is free once its task has ended, ${settlement.state}`, async (t) => {
      const queue = await subject(t)
      const [old, alias, young] = [keyed('k'), keyed('k'), keyed('k')] as const
      await queue.add(old, alias)
      await queue.end(t, old, settlement)
      await queue.add(young)
      t.deepEqual(await queue.claim(), [young.id])
      t.like(await queue.engine.get(alias.id), { id: old.id, state: settlement.state })
      const late = keyed('k')
      await queue.add(late)
      t.is((await queue.engine.get(late.id))?.id, young.id)
    })
  }

  test(`${name}: a key is free once its task was cancelled before it ran`, async (t) => {
    const queue = await subject(t)
    const [old, young] = [keyed('k'), keyed('k')]
    await queue.add(old)
    await queue.engine.cancel(old.id, Date.now())
    await queue.add(young)
    t.deepEqual(await queue.claim(), [young.id])
  })

  test(`${name}: a follow-up with the key of a live task gives the live one`, async (t) => {
    const queue = await subject(t)
    const [task, live, followUp] = [newTask(), keyed('k'), keyed('k')] as const
    await queue.add(task, live)
    await queue.end(t, task, succeeded(), [followUp])
    t.deepEqual(await queue.claim(), [live.id])
    t.is((await queue.engine.get(followUp.id))?.id, live.id)
    t.deepEqual(await queue.counters(), { succeeded: 1, queued: 1 })
  })

  test(`${name}: a task may give way to a follow-up with its own key`, async (t) => {
    const queue = await subject(t)
    const [task, followUp] = [keyed('k'), keyed('k')]
    await queue.add(task)
    await queue.end(t, task, { state: 'failed', at: Date.now(), failure }, [followUp])
    t.deepEqual(await queue.claim(), [followUp.id])
  })

  test(`${name}: an alias is cancelled and retried as its task`, async (t) => {
    const queue = await subject(t)
    const [task, alias] = [keyed('k'), keyed('k')]
    await queue.add(task, alias)
    t.like(await queue.engine.cancel(alias.id, Date.now()), { id: task.id, state: 'cancelled' })
    t.like(await queue.engine.retry(alias.id), { id: task.id, state: 'queued' })
    t.deepEqual(await queue.claim(), [task.id])
  })

  test(`${name}: aliases are forgotten with their task`, async (t) => {
    const queue = await subject(t, { retention: { tasks: 1 } })
    const [task, alias, other] = [keyed('k'), keyed('k'), newTask()] as const
    await queue.add(task, alias, other)
    await queue.end(t, task)
    t.is((await queue.engine.get(alias.id))?.id, task.id)
    await queue.end(t, other)
    for (const id of [task.id, alias.id, newId()]) t.is(await queue.engine.get(id), undefined)
  })
}
