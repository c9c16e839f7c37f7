import test, { type ExecutionContext } from 'ava'
import { toFailure } from '../../src/core/failure.ts'
import { newId } from '../../src/core/id.ts'
import { defaults } from '../../src/core/options.ts'
import type { NewTask } from '../../src/core/task.ts'
import type { QueueBounds, Retention, Settlement } from '../../src/queue/queue.ts'
import { onlyAfterSuccess } from './conformance/after-success.ts'
import { aliases } from './conformance/aliases.ts'
import { cancel } from './conformance/cancel.ts'
import { exact } from './conformance/exact.ts'
import { limits } from './conformance/limits.ts'
import { onEnded } from './conformance/on-ended.ts'
import { pause } from './conformance/pause.ts'
import { purge } from './conformance/purge.ts'
import { receipts } from './conformance/receipts.ts'
import { retry } from './conformance/retry.ts'
import {
  failed,
  failure,
  hour,
  ids,
  interrupted,
  newGroup,
  newTask,
  retried,
  storedFile,
  Subject,
  succeeded,
  type Open,
} from './conformance/subject.ts'
import { unique } from './conformance/unique.ts'
import { property } from './property.ts'

export { newGroup, newTask, storedFile, type Open, type Wanted } from './conformance/subject.ts'

/**
 * What every engine does, written against its interface alone: `conformance('memory', open)` in a test file. `runs` is
 * how many random sequences are tried.
 */
export function conformance(name: string, open: Open, runs = 400): void {
  async function subject(
    t: ExecutionContext,
    { bounds, retention }: { bounds?: Partial<QueueBounds>; retention?: Partial<Retention> } = {},
  ): Promise<Subject> {
    const opened = await open(
      t,
      { maxTasks: 1_000, maxBytes: 1_000_000, ...bounds },
      { tasks: 1_000, ...retention },
    )
    const engine = 'reopen' in opened ? opened.engine : opened
    t.teardown(() => engine.close())
    return new Subject(engine)
  }

  unique(name, subject)
  aliases(name, subject)
  onlyAfterSuccess(name, subject)
  cancel(name, subject)
  retry(name, subject)
  purge(name, subject)
  receipts(name, subject)
  limits(name, subject)
  pause(name, subject)
  onEnded(name, subject)
  exact(name, subject)
  property(name, open, runs)

  test(`${name}: a task comes out as it went in`, async (t) => {
    const queue = await subject(t)
    const args = JSON.stringify([{ text: 'ünï "quoted" \u0000 👍', $: [1] }])
    const task = newTask({
      args,
      files: [storedFile()],
      options: {
        pool: 'mail',
        priority: 7,
        retries: 3,
        timeout: 5,
        backoff: { ...defaults.backoff, first: 2 },
      },
    })
    const before = Date.now()
    await queue.add(task)
    const [claimed] = await queue.engine.claim('mail', 1)
    t.like(claimed, { id: task.id, name: task.name, args, group: task.group, attempt: 1, failures: 0 })
    t.deepEqual(claimed!.options, task.options)
    t.true(claimed!.addedAt >= before && claimed!.addedAt <= Date.now())
  })

  test(`${name}: a task that was added has a record`, async (t) => {
    const queue = await subject(t)
    const task = newTask({ options: { pool: 'mail', priority: 7 } })
    const before = Date.now()
    await queue.add(task)
    const record = (await queue.engine.get(task.id))!
    t.true(record.addedAt >= before && record.addedAt <= Date.now())
    t.like(record, {
      id: task.id,
      name: 'files.resize',
      group: task.group,
      pool: 'mail',
      priority: 7,
      state: 'queued',
      attempt: 0,
      progress: null,
      result: null,
      error: null,
      runAt: null,
      startedAt: null,
      endedAt: null,
    })
    t.is(await queue.engine.get(newId()), undefined)
  })

  test(`${name}: a record that was handed out does not change, nor does changing it change the task`, async (t) => {
    const queue = await subject(t)
    const task = newTask()
    await queue.add(task)
    const record = (await queue.engine.get(task.id))!
    await queue.run(t, task)
    t.is(record.state, 'queued')
    record.state = 'failed'
    t.is(await queue.state(task), 'running')
  })

  test(`${name}: an empty batch is fine`, async (t) => {
    const queue = await subject(t)
    await queue.add()
    await queue.engine.release([])
    await queue.engine.start([], Date.now())
    await queue.engine.giveBack([])
    t.deepEqual(await queue.claim(), [])
    t.deepEqual(await queue.counters(), {})
  })

  // Held and release

  test(`${name}: a held task is queued and waits for its release`, async (t) => {
    const queue = await subject(t)
    const task = newTask()
    await queue.hold(task)
    t.is(await queue.state(task), 'queued')
    t.deepEqual(await queue.claim(), [])
    await queue.engine.release([task.id])
    t.deepEqual(await queue.claim(), [task.id])
  })

  test(`${name}: to release twice, or what is unknown, not held, running or ended, changes nothing`, async (t) => {
    const queue = await subject(t)
    const [held, free] = [newTask(), newTask()]
    await queue.hold(held)
    await queue.add(free)
    const all = [held.id, free.id, newId()]
    await queue.engine.release(all)
    await queue.engine.release(all)
    t.deepEqual(await queue.claim(), [held.id, free.id])
    await queue.start(held, free)
    await queue.engine.release(all)
    t.deepEqual(await queue.claim(), [])
    t.true(await queue.engine.record(held.id, 1, succeeded()))
    await queue.engine.release(all)
    t.deepEqual(await queue.claim(), [])
    t.deepEqual(await queue.counters(), { running: 1, succeeded: 1 })
  })

  test(`${name}: a held task keeps its age`, async (t) => {
    const queue = await subject(t)
    const [first, second] = [newTask(), newTask()]
    await queue.hold(first)
    await queue.add(second)
    await queue.engine.release([first.id])
    t.deepEqual(await queue.claim(), [first.id, second.id])
  })

  test(`${name}: a held task makes its group wait, and another group does not`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, {}) as [NewTask, NewTask]
    const other = newTask()
    await queue.hold(a, b)
    await queue.add(other)
    await queue.engine.release([b.id])
    t.deepEqual(await queue.claim(), [other.id])
    await queue.engine.release([a.id])
    await queue.end(t, a)
    t.deepEqual(await queue.claim(), [b.id])
  })

  test(`${name}: a task whose predecessor has ended still waits for its release`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, {}) as [NewTask, NewTask]
    await queue.hold(a, b)
    await queue.engine.release([a.id])
    await queue.end(t, a)
    t.deepEqual(await queue.claim(), [])
    await queue.engine.release([b.id])
    t.deepEqual(await queue.claim(), [b.id])
  })

  // Order

  test(`${name}: higher priority goes first, then age decides`, async (t) => {
    const queue = await subject(t)
    const tasks = [0, 5, -1, 5, 10, 0].map((priority) => newTask({ options: { priority } }))
    const [a, b, c, d, e, f] = ids(tasks)
    await queue.add(...tasks.slice(0, 3))
    await queue.add(...tasks.slice(3))
    t.deepEqual(await queue.claim(), [e, b, d, a, f, c])
  })

  test(`${name}: no more are claimed than asked for, and the rest keep their order`, async (t) => {
    const queue = await subject(t)
    const tasks = Array.from({ length: 50 }, () => newTask())
    await queue.add(...tasks)
    const claimed: string[] = []
    for (const limit of [0, 1, 2, 17, 100]) {
      const some = await queue.claim(limit)
      t.true(some.length <= limit)
      claimed.push(...some)
    }
    t.deepEqual(claimed, ids(tasks))
  })

  test(`${name}: a pool is given its own tasks only`, async (t) => {
    const queue = await subject(t)
    const [cpu, mail] = [newTask(), newTask({ options: { pool: 'mail' } })]
    await queue.add(cpu, mail)
    t.deepEqual(await queue.claim(10, 'mail'), [mail.id])
    t.deepEqual(await queue.claim(10, 'other'), [])
    t.deepEqual(await queue.claim(10, 'cpu'), [cpu.id])
  })

  test(`${name}: a task is claimed once, however many claim at the same time`, async (t) => {
    const queue = await subject(t)
    const tasks = Array.from({ length: 40 }, () => newTask())
    await queue.add(...tasks)
    const claims = await Promise.all(Array.from({ length: 10 }, () => queue.claim(7)))
    t.deepEqual(claims.flat().toSorted(), ids(tasks).toSorted())
  })

  test(`${name}: tasks of a group run one after another, in the order in which they were added`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = newGroup({}, {}, {}) as [NewTask, NewTask, NewTask]
    await queue.add(a, b)
    await queue.add(c)
    t.deepEqual(await queue.claim(), [a.id])
    t.is(await queue.state(b), 'queued')
    await queue.start(a)
    t.deepEqual(await queue.claim(), [])
    await queue.engine.record(a.id, 1, succeeded())
    await queue.end(t, b)
    await queue.end(t, c)
    t.deepEqual(await queue.counters(), { succeeded: 3 })
  })

  test(`${name}: a task that failed does not stop the next of its group`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, {}) as [NewTask, NewTask]
    await queue.add(a, b)
    await queue.end(t, a, failed())
    t.deepEqual(await queue.claim(), [b.id])
  })

  test(`${name}: a group goes on when one is added after all others ended`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, {}) as [NewTask, NewTask]
    await queue.add(a)
    await queue.end(t, a)
    await queue.add(b)
    t.deepEqual(await queue.claim(), [b.id])
  })

  test(`${name}: a group goes on across pools`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, { options: { pool: 'mail' } }) as [NewTask, NewTask]
    await queue.add(a, b)
    t.deepEqual(await queue.claim(10, 'mail'), [])
    await queue.end(t, a)
    t.deepEqual(await queue.claim(10, 'mail'), [b.id])
  })

  test(`${name}: priority compares the heads of groups`, async (t) => {
    const queue = await subject(t)
    const [low, high] = newGroup({}, { options: { priority: 10 } }) as [NewTask, NewTask]
    const single = newTask({ options: { priority: 5 } })
    const late = newTask({ options: { priority: 9 } })
    await queue.add(low, high, single)
    await queue.end(t, single)
    await queue.end(t, low)
    await queue.add(late)
    t.deepEqual(await queue.claim(), [high.id, late.id])
  })

  test(`${name}: a task in a group of its own waits for nobody and makes nobody wait`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, {}) as [NewTask, NewTask]
    const unordered = newTask({ options: { ordered: false } })
    await queue.add(a, unordered, b)
    t.deepEqual(await queue.claim(), [a.id, unordered.id])
    await queue.start(a, unordered)
    await queue.engine.record(a.id, 1, succeeded())
    t.deepEqual(await queue.claim(), [b.id])
  })

  test(`${name}: two groups run side by side`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, {}) as [NewTask, NewTask]
    const [c, d] = newGroup({}, {}) as [NewTask, NewTask]
    await queue.add(a, b, c, d)
    t.deepEqual(await queue.claim(), [a.id, c.id])
  })

  // Time

  test(`${name}: a task with a delay is scheduled, and its group waits for it`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({ options: { delay: hour } }, {}) as [NewTask, NewTask]
    const before = Date.now()
    await queue.add(a, b)
    const record = (await queue.engine.get(a.id))!
    t.is(record.state, 'scheduled')
    t.true(record.runAt! >= before + hour && record.runAt! <= Date.now() + hour)
    t.is(await queue.state(b), 'queued')
    t.deepEqual(await queue.claim(), [])
    t.deepEqual(await queue.counters(), { scheduled: 1, queued: 1 })
  })

  test(`${name}: a task with runAt is scheduled for that time`, async (t) => {
    const queue = await subject(t)
    const runAt = Date.now() + hour
    const task = newTask({ options: { runAt } })
    await queue.add(task)
    t.like(await queue.engine.get(task.id), { state: 'scheduled', runAt })
    t.deepEqual(await queue.claim(), [])
  })

  test(`${name}: a time that has passed is now`, async (t) => {
    const queue = await subject(t)
    const task = newTask({ options: { runAt: Date.now() - hour } })
    await queue.add(task)
    t.deepEqual(await queue.claim(), [task.id])
  })

  test(`${name}: a scheduled task comes due by itself, not before its time`, async (t) => {
    const queue = await subject(t)
    const runAt = Date.now() + 60
    const tasks = [
      newTask({ options: { delay: 120 } }),
      newTask({ options: { runAt } }),
      newTask({ options: { delay: 30 } }),
    ]
    await queue.add(...tasks)
    const due: string[] = []
    for (let count = 1; count <= 3; count++) {
      const { id, addedAt, options } = await queue.next()
      t.true(Date.now() >= (options.runAt ?? addedAt + options.delay))
      due.push(id)
    }
    t.deepEqual(due.toSorted(), ids(tasks).toSorted())
    t.deepEqual(await queue.counters(), { queued: 3 })
  })

  test(`${name}: a due task goes by its priority, and a later one does not hold it up`, async (t) => {
    const queue = await subject(t)
    const [later, due, other] = [
      newTask({ options: { delay: hour } }),
      newTask({ options: { delay: 1, priority: 5 } }),
      newTask({ options: { pool: 'mail', delay: 1 } }),
    ] as const
    await queue.add(later, due, other)
    await queue.run(t, due)
    await queue.run(t, other, 'mail')
    t.is(await queue.state(later), 'scheduled')
  })

  test(`${name}: a delay counts from the commit, not from the release`, async (t) => {
    const queue = await subject(t)
    const task = newTask({ options: { delay: 1 } })
    await queue.hold(task)
    t.is(await queue.state(task), 'queued')
    const due = newTask({ options: { delay: 1 } })
    await queue.add(due)
    await queue.next()
    await queue.engine.release([task.id])
    t.deepEqual(await queue.claim(), [task.id])
  })

  // Attempts

  test(`${name}: a start counts an attempt and records when`, async (t) => {
    const queue = await subject(t)
    const task = newTask()
    await queue.add(task)
    await queue.claim()
    t.like(await queue.engine.get(task.id), { attempt: 0, startedAt: null })
    const at = Date.now()
    await queue.engine.start([task.id], at)
    t.like(await queue.engine.get(task.id), { state: 'running', attempt: 1, startedAt: at, endedAt: null })
    t.deepEqual(await queue.counters(), { running: 1 })
  })

  test(`${name}: only a claimed task is started, and only once`, async (t) => {
    const queue = await subject(t)
    const [claimed, waiting] = [newTask(), newTask()]
    await queue.add(claimed, waiting)
    await queue.claim(1)
    await queue.start(claimed, waiting, { id: newId() })
    await queue.start(claimed)
    t.like(await queue.engine.get(claimed.id), { state: 'running', attempt: 1 })
    t.like(await queue.engine.get(waiting.id), { state: 'queued', attempt: 0 })
    t.true(await queue.engine.record(claimed.id, 1, succeeded()))
    await queue.start(claimed)
    t.is(await queue.state(claimed), 'succeeded')
  })

  test(`${name}: a task that is given back is charged nothing and keeps its place`, async (t) => {
    const queue = await subject(t)
    const tasks = [newTask(), newTask(), newTask(), newTask({ options: { priority: 1 } })] as const
    const [a, b, c, d] = ids(tasks)
    await queue.add(...tasks)
    t.deepEqual(await queue.claim(3), [d, a, b])
    await queue.engine.giveBack([b!, d!, a!])
    t.like(await queue.engine.get(a!), { state: 'queued', attempt: 0, startedAt: null })
    const again = await queue.engine.claim('cpu', 10)
    t.deepEqual(ids(again), [d, a, b, c])
    t.true(again.every(({ attempt, failures }) => attempt === 1 && failures === 0))
  })

  test(`${name}: only what is claimed and not started is given back`, async (t) => {
    const queue = await subject(t)
    const [running, waiting] = [newTask(), newTask()]
    await queue.add(running, waiting)
    await queue.run(t, running)
    await queue.engine.giveBack([running.id, waiting.id, newId()])
    t.is(await queue.state(running), 'running')
    t.deepEqual(await queue.claim(), [waiting.id])
    t.true(await queue.engine.record(running.id, 1, succeeded()))
    await queue.engine.giveBack([running.id])
    t.is(await queue.state(running), 'succeeded')
    t.deepEqual(await queue.claim(), [])
  })

  // Outcomes

  test(`${name}: success keeps the result, completes the progress and clears the error`, async (t) => {
    const queue = await subject(t)
    const task = newTask()
    await queue.add(task)
    await queue.end(t, task, retried(Date.now()))
    const settlement = succeeded('{"width":5}')
    await queue.end(t, task, settlement)
    t.like(await queue.engine.get(task.id), {
      state: 'succeeded',
      attempt: 2,
      result: '{"width":5}',
      error: null,
      endedAt: settlement.at,
      progress: { fraction: 1, message: null },
    })
    t.deepEqual(await queue.claim(), [])
  })

  test(`${name}: failure for good keeps the whole failure`, async (t) => {
    const queue = await subject(t)
    const task = newTask()
    const whole = toFailure(
      Object.assign(new TypeError('x', { cause: new Error('y') }), { code: 'E_X', responseCode: 550 }),
    )
    const at = Date.now()
    await queue.add(task)
    await queue.end(t, task, { state: 'failed', at, failure: whole })
    const record = (await queue.engine.get(task.id))!
    t.like(record, { state: 'failed', attempt: 1, result: null, endedAt: at })
    t.deepEqual(record.error, whole)
    t.deepEqual(await queue.claim(), [])
  })

  test(`${name}: an outcome counts for the running attempt only`, async (t) => {
    const queue = await subject(t)
    const task = newTask()
    const followUp = newTask()
    await queue.add(task)
    const record = (attempt: number, settlement: Settlement = succeeded('"late"')) =>
      queue.engine.record(task.id, attempt, settlement, [followUp])
    t.false(await record(0))
    t.false(await record(1))
    await queue.claim()
    t.false(await record(1))
    await queue.start(task)
    t.false(await record(0))
    t.false(await record(2))
    t.true(await queue.engine.record(task.id, 1, retried(Date.now())))
    t.false(await record(1))
    await queue.run(t, task)
    t.false(await record(1))
    t.true(await queue.engine.record(task.id, 2, succeeded('"in time"')))
    t.false(await record(2))
    t.false(await record(2, failed()))
    t.like(await queue.engine.get(task.id), { state: 'succeeded', attempt: 2, result: '"in time"' })
    t.is(await queue.engine.get(followUp.id), undefined)
    t.false(await queue.engine.record(newId(), 1, succeeded()))
    t.deepEqual(await queue.counters(), { succeeded: 1 })
  })

  test(`${name}: a retry uses up one of the retries, is scheduled, and keeps its group waiting`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, {}) as [NewTask, NewTask]
    const runAt = Date.now() + hour
    await queue.add(a, b)
    await queue.end(t, a, retried(runAt))
    const record = (await queue.engine.get(a.id))!
    t.like(record, { state: 'scheduled', attempt: 1, runAt, endedAt: null })
    t.deepEqual(record.error, failure)
    t.deepEqual(await queue.claim(), [])
    t.deepEqual(await queue.counters(), { scheduled: 1, queued: 1 })
  })

  test(`${name}: a retry comes due, and its group goes on after it`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, {}) as [NewTask, NewTask]
    await queue.add(a, b)
    const runAt = Date.now() + 40
    await queue.end(t, a, retried(runAt))
    const second = await queue.end(t, a, retried(Date.now()))
    t.true(Date.now() >= runAt)
    t.like(second, { attempt: 2, failures: 1 })
    t.like(await queue.end(t, a), { attempt: 3, failures: 2 })
    await queue.end(t, b)
  })

  test(`${name}: an interrupted task runs again at once, charged nothing, before its group goes on`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, {}) as [NewTask, NewTask]
    await queue.add(a, b)
    await queue.end(t, a, interrupted())
    const record = (await queue.engine.get(a.id))!
    t.like(record, { state: 'queued', attempt: 1, endedAt: null })
    t.deepEqual(record.error, failure)
    const again = await queue.end(t, a)
    t.like(again, { attempt: 2, failures: 0 })
    await queue.end(t, b)
  })

  test(`${name}: an interrupted task keeps its place before younger ones`, async (t) => {
    const queue = await subject(t)
    const [old, young] = [newTask(), newTask()]
    await queue.add(old, young)
    await queue.end(t, old, interrupted())
    t.deepEqual(await queue.claim(), [old.id, young.id])
  })

  // Progress

  test(`${name}: progress is noted for the running attempt and begins anew with the next`, async (t) => {
    const queue = await subject(t)
    const task = newTask()
    const progress = async () => (await queue.engine.get(task.id))?.progress
    await queue.add(task)
    queue.engine.progress(task.id, 1, { fraction: 0.1, message: null })
    queue.engine.progress(newId(), 1, { fraction: 0.1, message: null })
    t.is(await progress(), null)
    await queue.run(t, task)
    queue.engine.progress(task.id, 1, { fraction: 0.5, message: 'half' })
    t.deepEqual(await progress(), { fraction: 0.5, message: 'half' })
    queue.engine.progress(task.id, 2, { fraction: 0.9, message: 'not this attempt' })
    t.deepEqual(await progress(), { fraction: 0.5, message: 'half' })
    await queue.engine.record(task.id, 1, retried(Date.now()))
    t.deepEqual(await progress(), { fraction: 0.5, message: 'half' })
    await queue.run(t, task)
    t.is(await progress(), null)
    await queue.engine.record(task.id, 2, succeeded())
    queue.engine.progress(task.id, 2, { fraction: 0.7, message: 'too late' })
    t.deepEqual(await progress(), { fraction: 1, message: null })
  })

  // Follow-ups

  test(`${name}: follow-ups are added with the outcome, held by nothing`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, {}) as [NewTask, NewTask]
    const followUps = [newTask({ args: '[1]' }), newTask({ options: { delay: hour } })] as const
    await queue.add(a, b)
    await queue.end(t, a, failed(), [...followUps])
    t.is(await queue.state(followUps[0]), 'queued')
    t.is(await queue.state(followUps[1]), 'scheduled')
    t.deepEqual(await queue.claim(), [b.id, followUps[0].id])
    t.deepEqual(await queue.counters(), { queued: 2, scheduled: 1, failed: 1 })
  })

  test(`${name}: follow-ups are never refused for the bounds`, async (t) => {
    const queue = await subject(t, { bounds: { maxTasks: 1, maxBytes: 10 } })
    const task = newTask()
    const followUps = [newTask({ args: '["0123456789"]' }), newTask()]
    await queue.add(task)
    await queue.end(t, task, succeeded(), followUps)
    t.deepEqual(await queue.claim(), ids(followUps))
    await t.throwsAsync(queue.add(newTask()), { code: 'AFTERWORK_QUEUE_FULL' })
  })

  // Bounds

  test(`${name}: past its tasks the queue is full, and nothing of the batch is kept`, async (t) => {
    const queue = await subject(t, { bounds: { maxTasks: 3 } })
    const batch = [newTask(), newTask(), newTask(), newTask()]
    await t.throwsAsync(queue.add(...batch), { code: 'AFTERWORK_QUEUE_FULL', message: /^The queue is full/ })
    t.deepEqual(await queue.counters(), {})
    for (const task of batch) t.is(await queue.engine.get(task.id), undefined)
    t.deepEqual(await queue.claim(), [])
    t.deepEqual(await queue.engine.list({ limit: 10 }), [])
    await queue.add(...batch.slice(0, 3))
    t.deepEqual(await queue.counters(), { queued: 3 })
  })

  test(`${name}: held, scheduled and running tasks count until they have ended`, async (t) => {
    const queue = await subject(t, { bounds: { maxTasks: 3 } })
    const running = newTask()
    await queue.add(running)
    await queue.run(t, running)
    await queue.hold(newTask())
    await queue.add(newTask({ options: { delay: hour } }))
    await t.throwsAsync(queue.hold(newTask()), { code: 'AFTERWORK_QUEUE_FULL' })
    await queue.engine.record(running.id, 1, interrupted())
    await t.throwsAsync(queue.add(newTask()), { code: 'AFTERWORK_QUEUE_FULL' })
    await queue.end(t, running, failed())
    await t.notThrowsAsync(queue.add(newTask()))
  })

  test(`${name}: past its bytes the queue is full, counted in UTF-8, until tasks have ended`, async (t) => {
    const queue = await subject(t, { bounds: { maxBytes: 20 } })
    const first = newTask({ args: '["ééééé"]' })
    await queue.add(first)
    const batch = [newTask({ args: '[]' }), newTask({ args: '["1"]' })]
    await t.throwsAsync(queue.add(...batch), { code: 'AFTERWORK_QUEUE_FULL' })
    t.deepEqual(await queue.counters(), { queued: 1 })
    await queue.add(newTask({ args: '[1234]' }))
    await queue.end(t, first)
    await t.notThrowsAsync(queue.add(...batch))
  })

  test(`${name}: what is added unbounded is never refused`, async (t) => {
    const queue = await subject(t, { bounds: { maxTasks: 1, maxBytes: 1 } })
    await queue.engine.add([newTask(), newTask()], { held: false, unbounded: true })
    t.deepEqual(await queue.counters(), { queued: 2 })
  })

  // Records

  test(`${name}: the counters say how many are in each state, at every step`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = [newTask(), newTask(), newTask({ options: { delay: hour } })]
    t.deepEqual(await queue.engine.counters(), {
      queued: 0,
      scheduled: 0,
      running: 0,
      succeeded: 0,
      failed: 0,
      cancelled: 0,
    })
    await queue.hold(a)
    await queue.add(b, c)
    t.deepEqual(await queue.counters(), { queued: 2, scheduled: 1 })
    await queue.engine.release([a.id])
    await queue.claim()
    t.deepEqual(await queue.counters(), { queued: 2, scheduled: 1 })
    await queue.start(a, b)
    t.deepEqual(await queue.counters(), { running: 2, scheduled: 1 })
    await queue.engine.record(a.id, 1, succeeded())
    await queue.engine.record(b.id, 1, retried(Date.now() + hour))
    t.deepEqual(await queue.counters(), { succeeded: 1, scheduled: 2 })
  })

  test(`${name}: the list is newest first, in pages that a cursor joins`, async (t) => {
    const queue = await subject(t)
    const tasks = Array.from({ length: 5 }, () => newTask())
    await queue.add(...tasks.slice(0, 2))
    await queue.add(...tasks.slice(2))
    const [a, b, c, d, e] = ids(tasks)
    const page = async (cursor?: string) =>
      ids(await queue.engine.list(cursor === undefined ? { limit: 2 } : { limit: 2, cursor }))
    t.deepEqual(await page(), [e, d])
    await queue.add(newTask())
    t.deepEqual(await page(d), [c, b])
    t.deepEqual(await page(b), [a])
    t.deepEqual(await page(a), [])
  })

  test(`${name}: a cursor need not be a task that is still there`, async (t) => {
    const queue = await subject(t)
    const tasks = [newTask(), newTask()]
    const between = newId()
    const late = newTask()
    await queue.add(...tasks, late)
    t.deepEqual(ids(await queue.engine.list({ limit: 10, cursor: between })), ids(tasks).toReversed())
    t.deepEqual(ids(await queue.engine.list({ limit: 1, cursor: newId() })), [late.id])
  })

  test(`${name}: the list is of one state, one name, or both`, async (t) => {
    const queue = await subject(t)
    const [a, b, c, d] = [
      newTask(),
      newTask({ name: 'mail.send' }),
      newTask({ name: 'mail.send' }),
      newTask(),
    ] as const
    await queue.add(a, b, c, d)
    await queue.end(t, a)
    await queue.end(t, b)
    const { engine } = queue
    t.deepEqual(ids(await engine.list({ state: 'succeeded', limit: 10 })), [b.id, a.id])
    t.deepEqual(ids(await engine.list({ name: 'mail.send', limit: 10 })), [c.id, b.id])
    t.deepEqual(ids(await engine.list({ state: 'queued', name: 'mail.send', limit: 10 })), [c.id])
    t.deepEqual(ids(await engine.list({ state: 'queued', limit: 1 })), [d.id])
    t.deepEqual(ids(await engine.list({ state: 'queued', limit: 1, cursor: d.id })), [c.id])
    t.deepEqual(await engine.list({ state: 'cancelled', limit: 10 }), [])
    t.deepEqual(await engine.list({ name: 'mail', limit: 10 }), [])
  })

  test(`${name}: a listed record is the record`, async (t) => {
    const queue = await subject(t)
    const task = newTask({ options: { priority: 3 } })
    await queue.add(task)
    await queue.end(t, task, failed())
    t.deepEqual(await queue.engine.list({ limit: 1 }), [(await queue.engine.get(task.id))!])
  })

  test(`${name}: of ended tasks the latest to end are kept, with all that have not ended`, async (t) => {
    const queue = await subject(t, { retention: { tasks: 2 } })
    const tasks = Array.from({ length: 4 }, () => newTask())
    const [a, b, c, d] = tasks as [NewTask, NewTask, NewTask, NewTask]
    const waiting = newTask({ options: { delay: hour } })
    await queue.add(waiting, ...tasks)
    await queue.claim(2)
    await queue.start(a, b)
    await queue.engine.record(b.id, 1, failed())
    await queue.engine.record(a.id, 1, succeeded())
    t.deepEqual(await queue.counters(), { queued: 2, scheduled: 1, succeeded: 1, failed: 1 })
    await queue.end(t, c)
    t.is(await queue.engine.get(b.id), undefined)
    await queue.end(t, d)
    t.is(await queue.engine.get(a.id), undefined)
    t.deepEqual(ids(await queue.engine.list({ limit: 10 })), [waiting.id, d.id, c.id])
    t.deepEqual(await queue.counters(), { succeeded: 2, scheduled: 1 })
  })

  // Stored files

  test(`${name}: a file is in use until the last task that names it has ended`, async (t) => {
    const queue = await subject(t)
    const [file, other] = [storedFile(), storedFile()]
    const [a, b] = [newTask({ files: [other, file] }), newTask({ files: [file] })]
    await queue.add(a, b)
    t.deepEqual(await queue.engine.file(file.id), { file, inUse: true, endedAt: null })
    t.deepEqual(await queue.engine.file(other.id), { file: other, inUse: true, endedAt: null })
    const first = succeeded()
    await queue.end(t, a, first)
    t.deepEqual(await queue.engine.file(other.id), { file: other, inUse: false, endedAt: first.at })
    t.deepEqual(await queue.engine.file(file.id), { file, inUse: true, endedAt: null })
    const last = { ...succeeded(), at: first.at + 5 }
    await queue.end(t, b, last)
    t.deepEqual(await queue.engine.file(file.id), { file, inUse: false, endedAt: last.at })
    t.is(await queue.engine.file(newId()), undefined)
  })

  test(`${name}: a file that a failed task names stays in use`, async (t) => {
    const queue = await subject(t)
    const file = storedFile()
    const [a, b] = [newTask({ files: [file] }), newTask({ files: [file] })]
    const settlement = failed()
    await queue.add(a, b)
    await queue.end(t, a, settlement)
    await queue.end(t, b, { ...succeeded(), at: settlement.at })
    t.deepEqual(await queue.engine.file(file.id), { file, inUse: true, endedAt: settlement.at })
  })

  test(`${name}: a file that only forgotten tasks named is unknown`, async (t) => {
    const queue = await subject(t, { retention: { tasks: 1 } })
    const [file, kept] = [storedFile(), storedFile()]
    const [a, b] = [newTask({ files: [file, kept] }), newTask({ files: [kept] })]
    await queue.add(a, b)
    await queue.end(t, a)
    await queue.end(t, b)
    t.is(await queue.engine.file(file.id), undefined)
    t.like(await queue.engine.file(kept.id), { file: kept, inUse: false })
  })

  // Call backs

  test(`${name}: it calls back, later, whenever a task may have become claimable`, async (t) => {
    const queue = await subject(t)
    const { engine } = queue
    const [a, b] = newGroup({}, { options: { pool: 'mail' } }) as [NewTask, NewTask]
    /** Resolves once the pool was named; a call back within the act itself is too early. */
    const tells = async (pool: string, act: () => Promise<unknown>): Promise<void> => {
      let acting = true
      const told = new Promise<void>((resolve) => {
        engine.onClaimable((named) => {
          if (acting) t.fail('called back at once')
          if (named === pool) resolve()
        })
      })
      const done = act()
      acting = false
      await done
      await told
    }
    await tells('cpu', () => queue.add(newTask()))
    await queue.claim()
    await queue.hold(a, b)
    await tells('cpu', () => engine.release([a.id, b.id]))
    await queue.claim()
    await tells('cpu', () => engine.giveBack([a.id]))
    await queue.run(t, a)
    await tells('cpu', () => engine.record(a.id, 1, interrupted()))
    await queue.run(t, a)
    await tells('cpu', () => engine.record(a.id, 2, retried(Date.now() + 5)))
    await queue.run(t, a)
    const followUp = newTask({ options: { pool: 'other' } })
    await Promise.all([
      tells('mail', () => engine.record(a.id, 3, succeeded(), [followUp])),
      tells('other', () => Promise.resolve()),
    ])
    await tells('late', () => queue.add(newTask({ options: { pool: 'late', delay: 5 } })))
  })
}
