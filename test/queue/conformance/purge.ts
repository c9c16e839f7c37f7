import test from 'ava'
import { newId } from '../../../src/core/id.ts'
import { failed, hour, newTask, storedFile, succeeded, type OpenSubject } from './subject.ts'

/** What an operator asks beside the life of tasks: to forget one, and how long the oldest waits. */
export function purge(name: string, subject: OpenSubject): void {
  for (const settlement of [succeeded(), failed()]) {
    test(`${name}: a task that has ${settlement.state} can be forgotten, with its count and its file`, async (t) => {
      const queue = await subject(t)
      const file = storedFile()
      const [task, other] = [newTask({ files: [file] }), newTask()]
      await queue.add(task, other)
      await queue.end(t, task, settlement)
      t.not(await queue.engine.file(file.id), undefined)
      await queue.engine.purge(task.id)
      t.is(await queue.engine.get(task.id), undefined)
      t.is(await queue.engine.file(file.id), undefined)
      t.deepEqual(await queue.counters(), { queued: 1 })
      await t.throwsAsync(queue.engine.purge(task.id), { code: 'AFTERWORK_TASK_NOT_FOUND' })
    })
  }

  test(`${name}: a task that has not ended is not forgotten`, async (t) => {
    const queue = await subject(t)
    const [task, later] = [newTask(), newTask({ options: { delay: hour } })]
    await queue.add(task, later)
    await t.throwsAsync(queue.engine.purge(task.id), { code: 'AFTERWORK_CONFLICT', message: /it is queued/ })
    await t.throwsAsync(queue.engine.purge(later.id), { code: 'AFTERWORK_CONFLICT', message: /scheduled/ })
    await queue.run(t, task)
    await t.throwsAsync(queue.engine.purge(task.id), { code: 'AFTERWORK_CONFLICT', message: /it is running/ })
    await t.throwsAsync(queue.engine.purge(newId()), { code: 'AFTERWORK_TASK_NOT_FOUND' })
    t.true(await queue.engine.record(task.id, 1, succeeded()))
  })

  test(`${name}: the oldest is the one that has waited longest of those that could run`, async (t) => {
    const queue = await subject(t)
    t.is(await queue.engine.oldest(), null)
    await queue.add(newTask({ options: { delay: hour } }))
    t.is(await queue.engine.oldest(), null)
    const [first, second] = [
      newTask({ options: { priority: -1 } }),
      newTask({ name: 'other', options: { pool: 'mail' } }),
    ]
    await queue.add(first)
    await queue.add(second)
    t.is(await queue.engine.oldest(), (await queue.engine.get(first.id))!.addedAt)
    await queue.run(t, first)
    t.is(await queue.engine.oldest(), (await queue.engine.get(second.id))!.addedAt)
    await queue.engine.cancel(second.id, Date.now())
    t.is(await queue.engine.oldest(), null)
  })
}
