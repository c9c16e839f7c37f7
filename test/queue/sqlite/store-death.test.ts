import test, { type ExecutionContext } from 'ava'
import { failure, ids, newGroup, newTask, storedFile, succeeded } from '../conformance/subject.ts'
import { death } from './death.ts'
import { openQueue, type OpenedQueue } from './opened.ts'

const failed = { code: 'AFTERWORK_QUEUE_FAILED' }
const moments: [string, 1 | 2][] = [
  ['before its commit', death.beforeCommit],
  ['between its commit and its answer', death.afterCommit],
]

/** A task that runs, and how its attempt is recorded by one who tries again, as the dispatcher does. */
async function running(t: ExecutionContext, queue: OpenedQueue, id: string) {
  const task = await queue.run(t, { id })
  return async (when: 1 | 2, ...rest: [Parameters<typeof queue.engine.record>[2], ...[]] | [any, any]) => {
    queue.dieAt(when)
    const [settlement, followUps] = rest as [any, any]
    await t.throwsAsync(queue.engine.record(task.id, task.attempt, settlement, followUps), failed)
    // By then the new store was asked what waits.
    await queue.counters()
    t.true(await queue.engine.record(task.id, task.attempt, settlement, followUps))
    t.false(await queue.engine.record(task.id, task.attempt, settlement, followUps))
  }
}

async function exact(t: ExecutionContext, queue: OpenedQueue, expected: Record<string, number>) {
  t.deepEqual(await queue.counters(), expected)
  t.deepEqual(await queue.counted(), expected)
}

for (const [moment, when] of moments) {
  test(`store dies ${moment}: an add is rejected and leaves nothing, and the next one is taken by a new store`, async (t) => {
    const queue = await openQueue(t)
    const file = storedFile()
    const [first, second] = newGroup({ files: [file] }, { options: { unique: 'key' } })
    const alone = newTask()
    queue.dieAt(when)
    const adds = [queue.hold(first!, second!), queue.add(alone)]
    for (const add of adds) await t.throwsAsync(add, failed)
    for (const task of [first!, second!, alone]) t.is(await queue.state(task), undefined)
    t.is(await queue.engine.file(file.id), undefined)
    await exact(t, queue, {})
    t.deepEqual(await queue.claim(), [])
    t.is(queue.stores.length, 2)
    t.deepEqual(
      queue.errors.map(({ during }) => during),
      ['running the store of the queue'],
    )

    await queue.add(newTask({ options: { unique: 'key' } }))
    t.is((await queue.claim()).length, 1)
  })

  test(`store dies ${moment}: an outcome is recorded once, its follow-ups are added once, and its group goes on`, async (t) => {
    const queue = await openQueue(t)
    const onEnded = { name: 'audit.ended', options: { ...newTask().options, pool: 'audit' } }
    const [first, second] = newGroup({ options: { onEnded } }, {})
    await queue.add(first!, second!)
    const record = await running(t, queue, first!.id)
    const [simple, delayed] = [newTask(), newTask({ options: { delay: 1 } })]
    await record(when, succeeded('5'), [simple, delayed])
    t.like(await queue.engine.get(first!.id), { state: 'succeeded', result: '5', attempt: 1 })
    const next = [await queue.next(), await queue.next(), await queue.next()]
    t.deepEqual(new Set(ids(next)), new Set([second!.id, simple.id, delayed.id]))
    t.is((await queue.next('audit')).name, 'audit.ended')
    await exact(t, queue, { succeeded: 1, queued: 4 })
  })

  test(`store dies ${moment}: an attempt that is made again at once is made again, once`, async (t) => {
    const queue = await openQueue(t)
    const task = newTask()
    await queue.add(task)
    const record = await running(t, queue, task.id)
    await record(when, { state: 'queued', at: Date.now(), failure })
    t.like(await queue.run(t, task), { attempt: 2, failures: 0 })
    t.deepEqual(await queue.claim(), [])
    await exact(t, queue, { running: 1 })
  })

  test(`store dies ${moment}: a retry comes when it is due, once`, async (t) => {
    const queue = await openQueue(t)
    const task = newTask()
    await queue.add(task)
    const record = await running(t, queue, task.id)
    await record(when, { state: 'scheduled', at: Date.now(), failure, runAt: Date.now() + 1 })
    t.like(await queue.run(t, task), { attempt: 2, failures: 1 })
    t.deepEqual(await queue.claim(), [])
    await exact(t, queue, { running: 1 })
  })

  test(`store dies ${moment}: the held tasks of a response that closes are released`, async (t) => {
    const queue = await openQueue(t)
    const [first, second] = newGroup({}, {})
    const simple = newTask()
    const delayed = newTask({ options: { delay: 1 } })
    await queue.hold(first!, second!, simple, delayed)
    queue.dieAt(when)
    await queue.engine.release(ids([first!, second!, simple, delayed]))
    const next = [await queue.next(), await queue.next(), await queue.next()]
    t.deepEqual(new Set(ids(next)), new Set([first!.id, simple.id, delayed.id]))
    await exact(t, queue, { queued: 4 })
  })

  test(`store dies ${moment}: what comes due meanwhile can be claimed`, async (t) => {
    let now = Date.now()
    const queue = await openQueue(t, { clock: () => now })
    const task = newTask({ options: { delay: 60_000 } })
    await queue.add(task)
    await queue.add(newTask({ options: { delay: 5 } }))
    now += 60_000
    queue.dieAt(when)
    t.deepEqual(new Set(ids([await queue.next(), await queue.next()])).has(task.id), true)
    t.is(queue.stores.length, 2)
    await exact(t, queue, { queued: 2 })
  })

  test(`store dies ${moment}: a start is rejected, and the task that was given back starts again`, async (t) => {
    const queue = await openQueue(t)
    const task = newTask({ options: { concurrency: 1, delivery: 'at-most-once' } })
    await queue.add(task)
    const { id } = await queue.next()
    queue.dieAt(when)
    await t.throwsAsync(queue.start(task), failed)
    await queue.engine.giveBack([id])
    t.like(await queue.run(t, task), { attempt: 1 })
    await exact(t, queue, { running: 1 })
    t.true(await queue.engine.record(id, 1, succeeded()))
    await exact(t, queue, { succeeded: 1 })
  })

  test(`store dies ${moment}: a cancel or retry by hand that is rejected was done, or was not, and the task goes on as that`, async (t) => {
    const queue = await openQueue(t)
    const task = newTask()
    await queue.add(task)
    queue.dieAt(when)
    await t.throwsAsync(queue.engine.cancel(task.id, Date.now()), failed)
    if (when === death.beforeCommit) {
      await queue.engine.cancel((await queue.next()).id, Date.now())
    }
    await exact(t, queue, { cancelled: 1 })
    t.deepEqual(await queue.claim(), [])

    queue.dieAt(when)
    await t.throwsAsync(queue.engine.retry(task.id), failed)
    if (when === death.beforeCommit) await queue.engine.retry(task.id)
    t.is((await queue.next()).id, task.id)
    await exact(t, queue, { queued: 1 })
  })
}

test('store is terminated under load: every add was taken or left nothing, and the counters are exact', async (t) => {
  const queue = await openQueue(t, { window: { tasks: 8, bytes: 10_000 } })
  const taken = new Set<string>()
  const rejected: string[] = []
  let ended = 0
  for (let round = 0; round < 4; round++) {
    const adds = Array.from({ length: 200 }, async () => {
      const task = newTask()
      await queue.add(task).then(
        () => taken.add(task.id),
        () => rejected.push(task.id),
      )
    })
    const claiming = queue.claim(20).catch((): string[] => [])
    const ran = claiming.then(async (claimed) => {
      const starting = Promise.resolve(queue.engine.start(claimed, Date.now()))
      await starting.catch(() => queue.engine.giveBack(claimed))
      for (const id of claimed) {
        const record = (): Promise<boolean> => queue.engine.record(id, 1, succeeded()).catch(() => record())
        if (await record()) ended++
      }
    })
    const store = queue.stores.at(-1)!
    setImmediate(() => setImmediate(() => void store.terminate()))
    await Promise.all([...adds, ran])
  }
  const records = await queue.engine.list({ limit: 10_000 })
  t.deepEqual(ids(records).toSorted(), [...taken].toSorted())
  const { queued = 0, succeeded: well = 0 } = await queue.counters()
  t.deepEqual([queued, well], [taken.size - ended, ended])
  t.deepEqual(await queue.counted(), await queue.counters())
  const left: string[] = []
  for (let some = await queue.claim(50); some.length > 0; some = await queue.claim(50)) left.push(...some)
  t.deepEqual(left.toSorted(), ids(records.filter(({ state }) => state === 'queued')).toSorted())
  t.deepEqual(left, left.toSorted())
})

test('a store that dies again and again is given up with one clear error, and all else is refused at once', async (t) => {
  const queue = await openQueue(t)
  const [running, task] = [newTask(), newTask()]
  await queue.add(running, task)
  const { id, attempt } = await queue.run(t, running)
  queue.dieAt(death.atStart)
  await queue.stores[0]!.terminate()
  await t.throwsAsync(queue.add(newTask()), failed)
  await t.throwsAsync(queue.add(newTask()), { ...failed, message: /the queue is closed/i })
  const { error, during } = queue.errors.at(-1)!
  t.is(during, 'starting the store of the queue again')
  t.regex(error.message, /dies again and again/)
  t.true(queue.stores.length > 3)
  await t.throwsAsync(queue.engine.record(id, attempt, succeeded()), failed)
  t.is(await queue.state(task), 'queued')
  await queue.engine.close()

  const next = await openQueue(t, { file: queue.file })
  await exact(t, next, { queued: 2 })
})
