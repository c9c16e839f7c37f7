import { DatabaseSync } from 'node:sqlite'
import test, { type ExecutionContext } from 'ava'
import { failed, failure, ids, newGroup, newTask, retried, succeeded } from '../conformance/subject.ts'
import { openQueue, type OpenedQueue } from './opened.ts'

/** Starts a suspect with nothing beside it, as the dispatcher does; it must be this one. */
async function startAlone(t: ExecutionContext, queue: OpenedQueue, { id }: { id: string }) {
  const suspect = (await queue.engine.claimSuspect(['cpu']))!
  t.is(suspect.id, id)
  t.deepEqual(await queue.engine.start([id], Date.now(), true), [id])
  return suspect
}

/** The ids of all suspects, in the order in which they would run, each given back. */
async function suspectsOf(queue: OpenedQueue): Promise<string[]> {
  const found: string[] = []
  for (;;) {
    const suspect = await queue.engine.claimSuspect(['cpu'])
    if (suspect === undefined) break
    found.push(suspect.id)
  }
  await queue.engine.giveBack(found)
  return found
}

test('an at-most-once task that had started fails; its group goes on and its onEnded is added', async (t) => {
  const onEnded = { name: 'audit.ended', options: { ...newTask().options, pool: 'audit' } }
  const [once, next] = newGroup({ options: { delivery: 'at-most-once', onEnded } }, {})
  const waiting = newTask({ options: { delivery: 'at-most-once' } })
  let queue = await openQueue(t)
  await queue.add(once!, next!, waiting)
  await queue.run(t, once!)
  queue = await queue.crash(t)
  t.like(await queue.engine.get(once!.id), {
    state: 'failed',
    attempt: 1,
    error: { code: 'AFTERWORK_INTERRUPTED' },
  })
  t.is(await queue.engine.claimSuspect(['cpu']), undefined)
  t.deepEqual(await queue.claim(), [next!.id, waiting.id])
  t.is((await queue.next('audit')).name, 'audit.ended')
  t.deepEqual(await queue.counters(), { failed: 1, queued: 3 })
  t.deepEqual(await queue.counted(), await queue.counters())
})

test('a task that was alone at three crashes in a row fails, and is retried by hand with a fresh count', async (t) => {
  const onEnded = { name: 'audit.ended', options: { ...newTask().options, pool: 'audit' } }
  const [task, next] = newGroup({ options: { retries: 5, onEnded } }, {})
  let queue = await openQueue(t)
  await queue.add(task!, next!)
  await queue.run(t, task!)
  for (let attempt = 2; attempt <= 4; attempt++) {
    queue = await queue.crash(t)
    t.like(await startAlone(t, queue, task!), { attempt, failures: 0 })
  }
  queue = await queue.crash(t)
  t.like(await queue.engine.get(task!.id), {
    state: 'failed',
    attempt: 4,
    error: { code: 'AFTERWORK_CRASHED_PROCESS' },
  })
  t.is((await queue.next()).id, next!.id)
  t.is((await queue.next('audit')).name, 'audit.ended')

  await queue.engine.retry(task!.id)
  t.like(await queue.run(t, task!), { attempt: 5, failures: 0 })
  for (let attempt = 6; attempt <= 7; attempt++) {
    queue = await queue.crash(t)
    t.like(await startAlone(t, queue, task!), { attempt, failures: 0 })
  }
  t.true(await queue.engine.record(task!.id, 7, succeeded()))
  t.is(await queue.state(task!), 'succeeded')
})

test('a task that was alone at two crashes and then ended in any other way is not held to them', async (t) => {
  const task = newTask({ options: { retries: 1 } })
  let queue = await openQueue(t)
  await queue.add(task)
  await queue.run(t, task)
  const crashAlone = async (times: number): Promise<void> => {
    for (let crash = 0; crash < times; crash++) {
      queue = await queue.crash(t)
      await startAlone(t, queue, task)
    }
  }
  await crashAlone(2)
  t.true(await queue.engine.record(task.id, 3, retried(Date.now())))
  t.like(await queue.run(t, task), { attempt: 4, failures: 1 })
  await crashAlone(2)
  t.true(await queue.engine.record(task.id, 6, { state: 'queued', at: Date.now(), failure }))
  t.like(await queue.run(t, task), { attempt: 7 })
  await crashAlone(3)
  t.true(await queue.engine.record(task.id, 10, failed()))
  t.is((await queue.engine.get(task.id))?.error?.code, failure.code)
})

test('those that ran are suspects, highest priority first; one that had no turn before another crash still is', async (t) => {
  const [a, b, c] = [newTask(), newTask({ options: { priority: 2 } }), newTask()]
  let queue = await openQueue(t)
  await queue.add(a, b, c)
  await queue.start(...(await queue.engine.claim('cpu', 3)))
  // One that cannot be armed ahead: of the others it would not be known that they did not run.
  const late = newTask({ options: { priority: 5, delivery: 'at-most-once' } })
  await queue.add(late)
  queue = await queue.crash(t)
  t.deepEqual(await suspectsOf(queue), [b.id, a.id, c.id])
  t.deepEqual(await queue.counters(), { queued: 4 })
  await startAlone(t, queue, b)
  queue = await queue.crash(t)
  t.deepEqual(await suspectsOf(queue), [b.id, a.id, c.id])
  t.like(await startAlone(t, queue, b), { attempt: 3 })
  t.true(await queue.engine.record(b.id, 3, succeeded()))
  t.like(await startAlone(t, queue, a), { attempt: 2 })
  t.true(await queue.engine.record(a.id, 2, succeeded()))
  queue = await queue.crash(t)
  t.deepEqual(await suspectsOf(queue), [c.id])
  t.deepEqual(await queue.claim(), [late.id, c.id])
})

test('tasks that were armed ahead are charged nothing, and run like suspects, for they may have run', async (t) => {
  const tasks = Array.from({ length: 40 }, () => newTask())
  let queue = await openQueue(t)
  await queue.add(...tasks.slice(0, 30))
  const ran = await queue.claim(4)
  await queue.engine.start(ran, Date.now())
  await queue.add(...tasks.slice(30))
  await queue.counters()
  const armed = armedIn(queue)
  t.true(armed.length > 0)
  t.deepEqual(armed, ids(tasks.slice(4, 4 + armed.length)))
  t.deepEqual(await queue.counters(), { running: 4, queued: 36 })

  queue = await queue.crash(t)
  t.deepEqual(await queue.counters(), { queued: 40 })
  t.deepEqual(await suspectsOf(queue), [...ran, ...armed])
  for (const id of ran) t.true(await endAlone(t, queue, id, 2))
  t.true(await endAlone(t, queue, armed[0]!, 1))
  queue = await queue.crash(t)
  t.deepEqual(await suspectsOf(queue), armed.slice(1))
  for (const id of armed.slice(1)) t.true(await endAlone(t, queue, id, 1))
  t.deepEqual(await queue.claim(), ids(tasks.slice(4 + armed.length)))
  t.deepEqual(await queue.counted(), await queue.counters())
})

test('what was armed ahead and did not start is none of it after an orderly close', async (t) => {
  const tasks = Array.from({ length: 20 }, () => newTask())
  const queue = await openQueue(t)
  await queue.add(...tasks)
  await queue.end(t, tasks[0]!)
  await queue.start(...(await queue.engine.claim('cpu', 4)))
  await queue.counters()
  await queue.counters()
  t.true(armedIn(queue).length > 0)
  await queue.engine.close()
  t.deepEqual(armedIn(queue), [])
})

test('held tasks are released, paused pools stay paused, and rate limits remember what started', async (t) => {
  let now = Date.now()
  const clock = (): number => now
  const rated = { name: 'tasks.rated', options: { rateLimit: { max: 2, per: 3_600_000 } } }
  const [first, second] = newGroup({}, {})
  const [held, mail] = [newTask(), newTask({ options: { pool: 'mail' } })]
  const tasks = [newTask(rated), newTask(rated), newTask(rated)]
  let queue = await openQueue(t, { clock })
  await queue.hold(first!, second!)
  await queue.hold(held)
  await queue.add(...tasks, mail)
  await queue.engine.pause('mail')
  const two = (await queue.engine.claim('cpu', 5)).map(({ id }) => id)
  t.deepEqual(two, ids(tasks.slice(0, 2)))
  await queue.engine.start(two, now)
  for (const id of two) await queue.engine.record(id, 1, succeeded())

  queue = await queue.crash(t, { clock })
  t.deepEqual(await queue.claim(), [first!.id, held.id])
  t.deepEqual([...queue.engine.paused()], ['mail'])
  t.deepEqual(await queue.claim(5, 'mail'), [])
  await queue.engine.resume('mail')
  t.deepEqual(await queue.claim(5, 'mail'), [mail.id])

  now += 3_600_000
  queue = await queue.crash(t, { clock })
  t.true((await queue.claim()).includes(tasks[2]!.id))
})

test('10,000 waiting tasks are all there after a crash, in their order', async (t) => {
  const tasks = Array.from({ length: 10_000 }, (_, index) =>
    newTask({ name: `tasks.${index % 3}`, options: { priority: index % 5 } }),
  )
  let queue = await openQueue(t)
  for (let at = 0; at < tasks.length; at += 1_000) await queue.add(...tasks.slice(at, at + 1_000))
  queue = await queue.crash(t)
  t.deepEqual(await queue.counters(), { queued: 10_000 })
  const order: string[] = []
  for (let some = await queue.claim(700); some.length > 0; some = await queue.claim(700)) order.push(...some)
  const byPriority = tasks.toSorted((a, b) => b.options.priority - a.options.priority)
  t.deepEqual(order, ids(byPriority))
})

async function endAlone(
  t: ExecutionContext,
  queue: OpenedQueue,
  id: string,
  attempt: number,
): Promise<boolean> {
  t.like(await startAlone(t, queue, { id }), { attempt, failures: 0 })
  return queue.engine.record(id, attempt, succeeded())
}

/** The ids of tasks of which the file says that they may start any moment. */
function armedIn({ file }: OpenedQueue): string[] {
  const database = new DatabaseSync(file, { readOnly: true })
  const rows = database
    .prepare('SELECT id FROM attempts JOIN tasks USING (seq) WHERE running = 0 ORDER BY seq')
    .all()
  database.close()
  return rows.map(({ id }) => String(id))
}
