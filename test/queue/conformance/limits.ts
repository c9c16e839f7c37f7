import test from 'ava'
import type { NewTask } from '../../../src/core/task.ts'
import {
  cancelled,
  failed,
  hour,
  ids,
  interrupted,
  newGroup,
  newTask,
  retried,
  succeeded,
  type OpenSubject,
  type Wanted,
} from './subject.ts'

function limited(concurrency: number, { options, ...given }: Wanted = {}): NewTask {
  return newTask({ name: 'mail.digest', ...given, options: { ...options, concurrency } })
}

function rated(max: number, per: number, { options, ...given }: Wanted = {}): NewTask {
  return newTask({ name: 'mail.send', ...given, options: { ...options, rateLimit: { max, per } } })
}

function many(count: number, make: () => NewTask): NewTask[] {
  return Array.from({ length: count }, make)
}

/** `concurrency` and `rateLimit`: per name of a task. */
export function limits(name: string, subject: OpenSubject): void {
  test(`${name}: no more of a name are claimed than its concurrency, and they keep nobody else waiting`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = many(3, () => limited(2)) as [NewTask, NewTask, NewTask]
    const [other, last] = [limited(2, { name: 'mail.other' }), newTask({ options: { priority: -1 } })]
    await queue.add(a, b, c, other, last)
    t.deepEqual(await queue.claim(), [a.id, b.id, other.id, last.id])
    t.deepEqual(await queue.claim(), [])
    t.is(await queue.state(c), 'queued')
  })

  test(`${name}: concurrency counts all pools`, async (t) => {
    const queue = await subject(t)
    const [cpu, mail] = [limited(1), limited(1, { options: { pool: 'mail' } })]
    await queue.add(cpu, mail)
    await queue.run(t, cpu)
    t.deepEqual(await queue.claim(10, 'mail'), [])
    t.true(await queue.engine.record(cpu.id, 1, succeeded()))
    t.is((await queue.next('mail')).id, mail.id)
  })

  test(`${name}: of those held back by concurrency the highest priority goes first, then the oldest`, async (t) => {
    const queue = await subject(t)
    const running = limited(1)
    const tasks = [0, 5, -1, 5].map((priority) => limited(1, { options: { priority } }))
    const [a, b, c, d] = tasks as [NewTask, NewTask, NewTask, NewTask]
    await queue.add(running)
    await queue.run(t, running)
    await queue.add(...tasks)
    t.deepEqual(await queue.claim(), [])
    t.true(await queue.engine.record(running.id, 1, succeeded()))
    await queue.end(t, b)
    const late = limited(1, { options: { priority: 9 } })
    await queue.add(late)
    for (const task of [late, d, a, c]) await queue.end(t, task)
  })

  for (const settlement of [succeeded(), failed(), cancelled(), retried(Date.now() + hour)]) {
    test(`${name}: an attempt that is ${settlement.state} frees its place`, async (t) => {
      const queue = await subject(t)
      const [a, b] = [limited(1), limited(1)]
      await queue.add(a, b)
      await queue.run(t, a)
      t.deepEqual(await queue.claim(), [])
      const next = queue.next()
      t.true(await queue.engine.record(a.id, 1, settlement))
      t.is((await next).id, b.id)
      t.deepEqual(await queue.claim(), [])
    })
  }

  test(`${name}: an interrupted attempt frees its place, and its task is the oldest again`, async (t) => {
    const queue = await subject(t)
    const [a, b] = [limited(1), limited(1)]
    await queue.add(a, b)
    await queue.run(t, a)
    t.deepEqual(await queue.claim(), [])
    t.true(await queue.engine.record(a.id, 1, interrupted()))
    t.deepEqual(await queue.claim(), [a.id])
  })

  test(`${name}: what is given back, or cancelled before it started, frees its place`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = many(3, () => limited(1)) as [NewTask, NewTask, NewTask]
    await queue.add(a, b, c)
    t.deepEqual(await queue.claim(), [a.id])
    await queue.engine.giveBack([a.id])
    t.deepEqual(await queue.claim(), [a.id])
    await queue.engine.cancel(a.id, Date.now())
    t.deepEqual(await queue.claim(), [b.id])
    await queue.engine.giveBack([a.id])
    t.deepEqual(await queue.claim(), [])
    await queue.start(b)
    t.true(await queue.engine.record(b.id, 1, succeeded()))
    t.is((await queue.next()).id, c.id)
  })

  test(`${name}: one that is cancelled while it is held back takes nobody's turn`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = many(3, () => limited(1)) as [NewTask, NewTask, NewTask]
    await queue.add(a, b, c)
    await queue.run(t, a)
    t.deepEqual(await queue.claim(), [])
    await queue.engine.cancel(b.id, Date.now())
    t.true(await queue.engine.record(a.id, 1, succeeded()))
    t.is((await queue.next()).id, c.id)
  })

  test(`${name}: one that is cancelled when its turn has come passes it on`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = many(3, () => limited(1)) as [NewTask, NewTask, NewTask]
    await queue.add(a, b, c)
    await queue.run(t, a)
    t.deepEqual(await queue.claim(), [])
    t.true(await queue.engine.record(a.id, 1, succeeded()))
    await queue.engine.cancel(b.id, Date.now())
    t.is((await queue.next()).id, c.id)
  })

  test(`${name}: one that is cancelled and retried while it is held back has one turn`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = many(3, () => limited(1)) as [NewTask, NewTask, NewTask]
    await queue.add(a, b, c)
    await queue.run(t, a)
    for (let times = 0; times < 3; times++) {
      t.deepEqual(await queue.claim(), [])
      await queue.engine.cancel(b.id, Date.now())
      await queue.engine.retry(b.id)
    }
    t.true(await queue.engine.record(a.id, 1, succeeded()))
    await queue.end(t, b)
    await queue.end(t, c)
  })

  test(`${name}: a place is not kept for a paused pool`, async (t) => {
    const queue = await subject(t)
    const [a, mail, c] = [
      limited(1),
      limited(1, { options: { pool: 'mail', priority: 5 } }),
      limited(1),
    ] as const
    await queue.add(a, mail, c)
    await queue.run(t, a)
    t.deepEqual(await queue.claim(10, 'mail'), [])
    t.deepEqual(await queue.claim(), [])
    await queue.engine.pause('mail')
    t.true(await queue.engine.record(a.id, 1, succeeded()))
    await queue.end(t, c)
    await queue.engine.resume('mail')
    t.is((await queue.next('mail')).id, mail.id)
  })

  test(`${name}: a group whose head is held back waits, and others do not`, async (t) => {
    const queue = await subject(t)
    const running = limited(1)
    const [head, next] = newGroup({ name: 'mail.digest', options: { concurrency: 1 } }, {}) as [
      NewTask,
      NewTask,
    ]
    const other = newTask()
    await queue.add(running)
    await queue.run(t, running)
    await queue.add(head, next, other)
    t.deepEqual(await queue.claim(), [other.id])
    t.true(await queue.engine.record(running.id, 1, failed()))
    await queue.end(t, head)
    t.deepEqual(await queue.claim(), [next.id])
  })

  test(`${name}: 500 of one name and concurrency 1 run one after another`, async (t) => {
    const queue = await subject(t)
    const tasks = many(500, () => limited(1))
    await queue.add(...tasks)
    const ran: string[] = []
    for (let claimed = await queue.claim(); claimed.length > 0; claimed = await queue.claim()) {
      if (claimed.length !== 1) t.fail(`${claimed.length} at a time`)
      ran.push(claimed[0]!)
      await queue.start({ id: claimed[0]! })
      await queue.engine.record(claimed[0]!, 1, succeeded())
    }
    t.deepEqual(ran, ids(tasks))
  })

  test(`${name}: no more of a name start within the window than its rate limit, and they keep nobody else waiting`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = many(3, () => rated(2, hour)) as [NewTask, NewTask, NewTask]
    const [other, last] = [rated(2, hour, { name: 'mail.other' }), newTask({ options: { priority: -1 } })]
    await queue.add(a, b, c, other, last)
    t.deepEqual(await queue.claim(), [a.id, b.id, other.id, last.id])
    await queue.start(a, b)
    t.true(await queue.engine.record(a.id, 1, succeeded()))
    t.true(await queue.engine.record(b.id, 1, retried(Date.now() - 1)))
    t.deepEqual(await queue.claim(), [])
    t.is(await queue.state(c), 'queued')
    t.is(await queue.state(b), 'queued')
  })

  test(`${name}: those held back by a rate limit start when the window allows it, in their order`, async (t) => {
    const queue = await subject(t)
    const [max, per] = [3, 60]
    const tasks = many(10, () => rated(max, per))
    await queue.add(...tasks)
    const before: number[] = []
    for (const [index, task] of tasks.entries()) {
      before.push(Date.now())
      await queue.end(t, task)
      // The start that leaves the window was claimed no earlier than its claim was asked for.
      if (index >= max) t.true(Date.now() >= before[index - max]! + per)
    }
  })

  test(`${name}: a claim that is given back or cancelled is no start`, async (t) => {
    const queue = await subject(t)
    const [a, b, c] = many(3, () => rated(1, hour)) as [NewTask, NewTask, NewTask]
    await queue.add(a, b, c)
    t.deepEqual(await queue.claim(), [a.id])
    t.deepEqual(await queue.claim(), [])
    await queue.engine.giveBack([a.id])
    t.deepEqual(await queue.claim(), [a.id])
    await queue.engine.cancel(a.id, Date.now())
    t.is((await queue.next()).id, b.id)
    await queue.start(b)
    t.true(await queue.engine.record(b.id, 1, succeeded()))
    t.deepEqual(await queue.claim(), [])
    t.is(await queue.state(c), 'queued')
  })

  test(`${name}: a claim that is given back does not shorten the window of a later start`, async (t) => {
    const queue = await subject(t)
    const per = 150
    const [a, b, c, d] = many(4, () => rated(2, per)) as [NewTask, NewTask, NewTask, NewTask]
    await queue.add(a)
    await queue.claim()
    await queue.add(newTask({ options: { delay: 100 } }))
    await queue.next()
    const before = Date.now()
    await queue.add(b)
    await queue.run(t, b)
    await queue.engine.giveBack([a.id])
    await queue.run(t, a)
    await queue.add(c, d)
    t.is((await queue.next()).id, c.id)
    t.true(Date.now() >= before + per)
  })

  test(`${name}: concurrency and rate limit hold together`, async (t) => {
    const queue = await subject(t)
    const both = { options: { concurrency: 1 } }
    const [a, b, c] = many(3, () => rated(2, hour, both)) as [NewTask, NewTask, NewTask]
    await queue.add(a, b, c)
    t.deepEqual(await queue.claim(), [a.id])
    await queue.start(a)
    t.true(await queue.engine.record(a.id, 1, succeeded()))
    await queue.end(t, b)
    t.deepEqual(await queue.claim(), [])
    t.is(await queue.state(c), 'queued')
  })

  test(`${name}: a limit that the app sets wins over that which a task was added with`, async (t) => {
    const set = { 'mail.send': { rateLimit: { max: 1, per: hour } }, 'mail.digest': { concurrency: 2 } }
    const queue = await subject(t, { bounds: { limits: set } })
    const [a, b] = many(2, () => newTask({ name: 'mail.send' })) as [NewTask, NewTask]
    const [c, d, e] = many(3, () => limited(1)) as [NewTask, NewTask, NewTask]
    const other = newTask()
    await queue.add(a, b, c, d, e, other)
    t.deepEqual(await queue.claim(), [a.id, c.id, d.id, other.id])
    t.is(await queue.state(b), 'queued')
    t.is(await queue.state(e), 'queued')
  })
}
