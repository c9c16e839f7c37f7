import test from 'ava'
import type { NewTask } from '../../../src/core/task.ts'
import { cancelled, failed, hour, ids, newGroup, retried, succeeded, type OpenSubject } from './subject.ts'
import { keyed } from './unique.ts'

/** Aliases in their groups, which wait for the task of another request. */
export function aliases(name: string, subject: OpenSubject): void {
  for (const settlement of [succeeded(), failed()]) {
    test(`${name}: the group of the second request waits for the live one, which ${settlement.state}`, async (t) => {
      const queue = await subject(t)
      const live = keyed('k')
      const [alias, next] = newGroup({ options: { unique: 'k' } }, {}) as [NewTask, NewTask]
      await queue.add(live)
      await queue.add(alias, next)
      t.deepEqual(await queue.claim(), [live.id])
      await queue.start(live)
      t.true(await queue.engine.record(live.id, 1, retried(Date.now() - 1)))
      await queue.run(t, live)
      t.deepEqual(await queue.claim(), [])
      t.is(await queue.state(next), 'queued')
      t.true(await queue.engine.record(live.id, 2, settlement))
      t.is((await queue.next()).id, next.id)
    })
  }

  test(`${name}: a group waits for the live one only when it comes to it, and not once that has ended`, async (t) => {
    const queue = await subject(t)
    const [live, other] = [keyed('k'), keyed('l')]
    const [a, ended, b, waiting, c] = newGroup(
      {},
      { options: { unique: 'k' } },
      {},
      { options: { unique: 'l' } },
      {},
    ) as [NewTask, NewTask, NewTask, NewTask, NewTask]
    await queue.add(live, other)
    await queue.add(a, ended, b, waiting, c)
    t.deepEqual(await queue.claim(), [live.id, other.id, a.id])
    await queue.start(live, other, a)
    t.true(await queue.engine.record(live.id, 1, succeeded()))
    t.deepEqual(await queue.claim(), [])
    t.true(await queue.engine.record(a.id, 1, succeeded()))
    await queue.end(t, b)
    t.deepEqual(await queue.claim(), [])
    t.true(await queue.engine.record(other.id, 1, succeeded()))
    t.deepEqual(await queue.claim(), [c.id])
    t.is((await queue.engine.get(waiting.id))?.id, other.id)
    t.is((await queue.engine.get(ended.id))?.id, live.id)
  })

  test(`${name}: a held alias waits for its release like the others, and releases nothing else`, async (t) => {
    const queue = await subject(t)
    const live = keyed('k')
    const [alias, next] = newGroup({ options: { unique: 'k' } }, {}) as [NewTask, NewTask]
    await queue.hold(live)
    await queue.hold(alias, next)
    await queue.engine.release([alias.id, next.id])
    t.deepEqual(await queue.claim(), [])
    await queue.engine.release([live.id])
    await queue.end(t, live)
    t.deepEqual(await queue.claim(), [next.id])
  })

  test(`${name}: a held alias whose task has ended still waits for its release`, async (t) => {
    const queue = await subject(t)
    const live = keyed('k')
    const [alias, next] = newGroup({ options: { unique: 'k' } }, {}) as [NewTask, NewTask]
    await queue.add(live)
    await queue.hold(alias)
    await queue.add(next)
    await queue.end(t, live)
    t.deepEqual(await queue.claim(), [])
    await queue.engine.release([alias.id])
    t.deepEqual(await queue.claim(), [next.id])
  })

  test(`${name}: an alias that is not held does not release its held task`, async (t) => {
    const queue = await subject(t)
    const live = keyed('k')
    await queue.hold(live)
    await queue.add(keyed('k'))
    t.deepEqual(await queue.claim(), [])
    await queue.engine.release([live.id])
    t.deepEqual(await queue.claim(), [live.id])
  })

  test(`${name}: an alias in a group of its own makes nobody wait`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, {}) as [NewTask, NewTask]
    await queue.add(keyed('k', { options: { delay: hour } }))
    await queue.add(a, keyed('k', { options: { ordered: false } }), b)
    await queue.end(t, a)
    t.deepEqual(await queue.claim(), [b.id])
  })

  test(`${name}: a group that adds its own key twice runs through`, async (t) => {
    const queue = await subject(t)
    const k = { options: { unique: 'k' } }
    const [a, again, b, andAgain, c] = newGroup(k, k, {}, k, {}) as [
      NewTask,
      NewTask,
      NewTask,
      NewTask,
      NewTask,
    ]
    await queue.add(a, again, b, andAgain, c)
    for (const task of [a, b, c]) {
      t.deepEqual(await queue.claim(), [task.id])
      await queue.engine.giveBack([task.id])
      await queue.end(t, task)
    }
    t.deepEqual(await queue.counters(), { succeeded: 3 })
  })

  test(`${name}: groups wait for one another along a chain of aliases`, async (t) => {
    const queue = await subject(t)
    const length = 20
    const links = Array.from({ length }, (_, i) =>
      newGroup({ options: { unique: `k${i - 1}` } }, { options: { unique: `k${i}` } }),
    )
    for (const link of links) await queue.add(...link)
    const [first] = links[0]!
    const order = [first!, ...links.map(([, second]) => second!)]
    for (const task of order) {
      t.deepEqual(await queue.claim(), [task.id])
      await queue.engine.giveBack([task.id])
      await queue.end(t, task)
    }
    t.deepEqual(await queue.counters(), { succeeded: length + 1 })
  })

  test(`${name}: all groups that wait for one task go on when it ends`, async (t) => {
    const queue = await subject(t)
    const live = keyed('k')
    const groups = Array.from({ length: 200 }, () => newGroup({ options: { unique: 'k' } }, {}))
    await queue.add(live)
    await queue.add(...groups.flat())
    await queue.end(t, live)
    t.deepEqual(await queue.claim(1_000), ids(groups.map(([, next]) => next!)))
  })

  for (const [settlement, runs] of [
    [succeeded(), true],
    [failed(), false],
    [cancelled(), false],
  ] as const) {
    test(`${name}: what runs only after success ${runs ? 'runs' : 'is cancelled'} behind an alias whose task is ${settlement.state}`, async (t) => {
      const queue = await subject(t)
      const live = keyed('k')
      const [, careful] = newGroup(
        { options: { unique: 'k' } },
        { options: { onlyAfterSuccess: true } },
      ) as NewTask[]
      await queue.add(live)
      await queue.add(keyed('k', { group: careful!.group }), careful!)
      await queue.end(t, live, settlement)
      t.deepEqual(await queue.claim(), runs ? [careful!.id] : [])
      t.is(await queue.state(careful!), runs ? 'queued' : 'cancelled')
    })
  }

  test(`${name}: an alias in a group that failed does not cancel its task, which is another request's`, async (t) => {
    const queue = await subject(t)
    const live = keyed('k', { options: { onlyAfterSuccess: true } })
    const [a, , b] = newGroup({}, {}, {}) as [NewTask, NewTask, NewTask]
    await queue.add(live)
    await queue.add(a, keyed('k', { group: a.group, options: { onlyAfterSuccess: true } }), b)
    t.deepEqual(await queue.claim(), [live.id, a.id])
    await queue.start(live, a)
    t.true(await queue.engine.record(a.id, 1, failed()))
    t.is(await queue.state(live), 'running')
    t.deepEqual(await queue.claim(), [])
    t.true(await queue.engine.record(live.id, 1, succeeded()))
    t.deepEqual(await queue.claim(), [b.id])
  })
}
