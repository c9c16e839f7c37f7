import test from 'ava'
import type { NewTask } from '../../../src/core/task.ts'
import { ids, newGroup, newTask, succeeded, type OpenSubject } from './subject.ts'

/** Pause and resume of a pool. */
export function pause(name: string, subject: OpenSubject): void {
  test(`${name}: a paused pool gives no task, and the others do`, async (t) => {
    const queue = await subject(t)
    const [cpu, mail] = [newTask(), newTask({ options: { pool: 'mail' } })]
    await queue.add(cpu)
    t.deepEqual([...queue.engine.paused()], [])
    await queue.engine.pause('cpu')
    t.deepEqual([...queue.engine.paused()], ['cpu'])
    await queue.add(mail, newTask())
    t.deepEqual(await queue.claim(), [])
    t.deepEqual(await queue.claim(10, 'mail'), [mail.id])
    t.deepEqual(await queue.counters(), { queued: 3 })
  })

  test(`${name}: a resumed pool calls back and gives its tasks in order`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, {}) as [NewTask, NewTask]
    const [low, high, due] = [
      newTask(),
      newTask({ options: { priority: 1 } }),
      newTask({ options: { delay: 1, priority: 2 } }),
    ] as const
    const other = newTask({ options: { pool: 'mail', delay: 2 } })
    await queue.engine.pause('cpu')
    await queue.add(low, a, b, due, high)
    await queue.add(other)
    await queue.next('mail')
    t.deepEqual(await queue.claim(), [])
    const next = queue.next()
    await queue.engine.resume('cpu')
    t.is((await next).id, due.id)
    t.deepEqual(await queue.claim(), [high.id, low.id, a.id])
    t.deepEqual([...queue.engine.paused()], [])
  })

  test(`${name}: what was claimed before the pause starts and ends, and goes back`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = [newTask(), newTask(), newTask()] as const
    await queue.add(a, b, c)
    t.deepEqual(await queue.claim(2), [a.id, b.id])
    await queue.engine.pause('cpu')
    t.deepEqual(await queue.engine.start([a.id], Date.now()), [a.id])
    t.true(await queue.engine.record(a.id, 1, succeeded()))
    await queue.engine.giveBack([b.id])
    t.deepEqual(await queue.claim(), [])
    await queue.engine.resume('cpu')
    t.deepEqual(await queue.claim(), [b.id, c.id])
  })

  test(`${name}: to pause twice is to pause, and what is not paused can be resumed`, async (t) => {
    const queue = await subject(t)
    const task = newTask()
    await queue.add(task)
    await queue.engine.resume('cpu')
    await queue.engine.pause('cpu')
    await queue.engine.pause('cpu')
    await queue.engine.pause('mail')
    t.deepEqual([...queue.engine.paused()].toSorted(), ['cpu', 'mail'])
    await queue.engine.resume('cpu')
    t.deepEqual([...queue.engine.paused()], ['mail'])
    t.deepEqual(await queue.claim(), [task.id])
  })

  test(`${name}: tasks of a paused pool are cancelled and retried, and a group waits for them`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({ options: { pool: 'mail' } }, {}) as [NewTask, NewTask]
    await queue.engine.pause('mail')
    await queue.add(a, b)
    t.deepEqual(await queue.claim(), [])
    await queue.engine.cancel(a.id, Date.now())
    t.deepEqual(await queue.claim(), [b.id])
    await queue.engine.retry(a.id)
    t.deepEqual(await queue.claim(10, 'mail'), [])
    await queue.engine.resume('mail')
    t.deepEqual(ids([await queue.next('mail')]), [a.id])
  })
}
