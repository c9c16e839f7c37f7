import { setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import type { NewTask } from '../../../src/core/task.ts'
import type { Receipt } from '../../../src/core/receipt.ts'
import type { AddOptions } from '../../../src/queue/queue.ts'
import { Endings } from '../../support/endings.ts'
import { startProxy } from '../../support/proxy.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { hour, newGroup, newTask, type Subject } from '../conformance/subject.ts'
import { connect, join } from './joined.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

const refused = { code: 'AFTERWORK_QUEUE_FAILED' }
/** How long after it was asked for something may be stored, in milliseconds, and a little more. */
const life = 10_500

function receiptOf(key: string, answer: string): Receipt {
  return { key, fingerprint: 'the same', answer, expiresAt: Date.now() + hour }
}

/** What a process adds, and over which statement. */
const ways: Record<string, { statement: string; held: boolean; tasks: () => NewTask[] }> = {
  'a held task': { statement: 'addSimple\0', held: true, tasks: () => [newTask()] },
  'a task that nothing holds': { statement: 'addAndTell\0', held: false, tasks: () => [newTask()] },
}

/** A process behind a proxy whose lane is there, and a connection of the test's own. */
async function start(t: Parameters<typeof startProxy>[0]) {
  const url = await databases.create(t)
  const proxy = await startProxy(t, url)
  const one = await join(t, proxy.through(url))
  await one.end(t as never, await added(one))
  const client = await connect(t, url)
  /** How many tasks are there, but for that one. */
  const stored = async (): Promise<number> => {
    const { rows } = await client.query<{ count: number }>('SELECT count(*)::integer FROM afterwork.tasks')
    return rows[0]!.count - 1
  }
  const until = async (count: number): Promise<void> => {
    while ((await stored()) !== count) await wait(50)
  }
  /** Somebody waits for a lock, in such a statement. */
  const untilWaiting = async (statement: string): Promise<void> => {
    const text = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1`
    while ((await client.query(text, [`%${statement}%`])).rowCount === 0) await wait(20)
  }
  return { url, proxy, one, client, stored, until, untilWaiting }
}

async function added(one: Subject): Promise<NewTask> {
  const task = newTask()
  await one.add(task)
  return task
}

for (const [what, { statement, held, tasks }] of Object.entries(ways)) {
  test(`postgres: ${what} that reaches the server after it was refused does not stay`, async (t) => {
    const { proxy, one, stored, until } = await start(t)
    const both = [proxy.delayQuestion(statement), proxy.delayQuestion(statement)]
    const undone = proxy.holdAnswer('undo\0', '')
    const adding = t.throwsAsync(one.engine.add(tasks(), { held }), refused)
    const [arrive] = await Promise.all(both)
    await adding
    const goOn = await undone
    goOn()
    t.is(await stored(), 0)
    // It is in time for the database, of which nobody is told any more.
    await arrive!()
    t.true((await stored()) > 0)
    await until(0)
    t.deepEqual(await one.counters(), { succeeded: 1 })
  })

  test(`postgres: ${what} that reaches the server later still is not stored`, async (t) => {
    const { proxy, one, stored } = await start(t)
    const both = [proxy.delayQuestion(statement), proxy.delayQuestion(statement)]
    const adding = t.throwsAsync(one.engine.add(tasks(), { held }), refused)
    const arrivals = await Promise.all(both)
    await adding
    await wait(life)
    for (const arrive of arrivals) await arrive()
    t.is(await stored(), 0)
    t.deepEqual(await one.counters(), { succeeded: 1 })
  })

  test(`postgres: ${what} that reaches the server after its process has gone is not stored`, async (t) => {
    const { proxy, one, stored } = await start(t)
    const both = [proxy.delayQuestion(statement), proxy.delayQuestion(statement)]
    const adding = t.throwsAsync(one.engine.add(tasks(), { held }), refused)
    const arrivals = await Promise.all(both)
    await adding
    const since = performance.now()
    await one.engine.close()
    t.true(performance.now() - since < life, 'It waited for what can not come any more')
    for (const arrive of arrivals) await arrive()
    t.is(await stored(), 0)
  })
}

test('postgres: what was held up for so long that it may not be stored any more is asked again', async (t) => {
  const { proxy, one } = await start(t)
  const [simple, group] = [newTask(), newGroup({}, {})]
  // So many connections are open, and idle.
  await Promise.all(Array.from({ length: 6 }, () => one.state(simple)))
  proxy.stall()
  const adding = Promise.all([one.hold(simple), one.hold(...group)])
  await wait(life)
  proxy.letThrough()
  await adding
  for (const task of [simple, ...group]) t.is(await one.state(task), 'queued')
})

test('postgres: a process that was taken for dead is refused tasks until it has said that it lives', async (t) => {
  const { one, client, stored } = await start(t)
  const add = [
    () => one.hold(newTask()),
    () => one.add(newTask()),
    () => one.hold(...newGroup({}, {})),
    () => one.engine.add([], { held: true, receipt: receiptOf('key', 'answer') }),
  ]
  for (const adding of add) {
    const before = await stored()
    for (let code: unknown; code === undefined;) {
      // Unless it has just said so.
      await client.query('DELETE FROM afterwork.processes')
      code = await adding().then(
        () => undefined,
        (error: { code: unknown }) => error.code,
      )
      if (code === undefined) continue
      t.is(code, refused.code)
      t.is(await stored(), before)
    }
  }
  for (let added = false; !added; await wait(100)) {
    added = await add[2]!().then(
      () => true,
      () => false,
    )
  }
  t.true((await stored()) > 0)
})

test('postgres: a commit that reaches the server after its tasks were refused is taken back', async (t) => {
  const { proxy, one, until, stored, untilWaiting } = await start(t)
  const [task] = [newTask({ options: { delay: hour } })]
  const first = proxy.delayQuestion('COMMIT', 'add\0')
  const adding = t.throwsAsync(one.engine.add([task!], { held: true }), refused)
  await first
  // The server ends the first transaction, which says nothing any more, and the task is added by the next.
  const arrive = await proxy.delayQuestion('COMMIT', 'add\0')
  await adding
  await untilWaiting('undo')
  t.is(await stored(), 0)
  await arrive()
  await until(0)
  t.deepEqual(await one.counters(), { succeeded: 1 })
})

const askedTwice: Record<string, { tasks: NewTask[]; options: Omit<AddOptions, 'held'> }> = {
  'of a group': { tasks: newGroup({}, {}), options: {} },
  'of a task with a delay': { tasks: [newTask({ options: { delay: hour } })], options: {} },
  'of a task with a receipt': { tasks: [newTask()], options: { receipt: receiptOf('key', 'answer') } },
  'of a receipt alone': { tasks: [], options: { receipt: receiptOf('key', 'answer') } },
}
for (const [what, { tasks, options }] of Object.entries(askedTwice)) {
  test(`postgres: a commit ${what} that is still under way when it is asked again counts once`, async (t) => {
    const { proxy, one, client, stored, untilWaiting } = await start(t)
    const first = proxy.delayQuestion('COMMIT', 'add\0')
    const adding = one.engine.add(tasks, { held: true, ...options })
    const arrive = await first
    await untilWaiting('".add(')
    await arrive()
    await adding
    t.is(await stored(), tasks.length)
    if (options.receipt !== undefined) t.like(await one.engine.receipt('key'), { answer: 'answer' })
    const { rowCount } = await client.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%".add(%' AND pid <> pg_backend_pid()`,
    )
    t.is(rowCount, 0)
  })
}

test('postgres: what is taken back takes no receipt of another request with its key along', async (t) => {
  const { proxy, one } = await start(t)
  const both = [proxy.delayQuestion('add\0'), proxy.delayQuestion('add\0')]
  const undone = proxy.holdAnswer('undo\0', '')
  const receipt = receiptOf('key', 'the first')
  const adding = t.throwsAsync(one.engine.add([newTask()], { held: true, receipt }), refused)
  const [arrive] = await Promise.all(both)
  await adding
  const goOn = await undone
  goOn()
  const task = newTask()
  await one.engine.add([task], { held: true, receipt: receiptOf('key', 'the second') })
  await arrive!()
  await wait(life + 1_000)
  t.like(await one.engine.receipt('key'), { answer: 'the second' })
  t.is(await one.state(task), 'queued')
})

test('postgres: a task that was stored, and whose answer was lost, is not refused because it fills the queue', async (t) => {
  const url = await databases.create(t)
  const proxy = await startProxy(t, url)
  const one = await join(t, proxy.through(url), {}, { maxTasks: 1 })
  await one.end(t, await added(one))
  const lost = proxy.loseAnswer('addSimple\0')
  const task = newTask()
  await Promise.all([one.hold(task), lost])
  t.is(await one.state(task), 'queued')
  await t.throwsAsync(one.hold(newTask()), { code: 'AFTERWORK_QUEUE_FULL' })
})

test('postgres: what cannot be stored takes nothing along that was added in the same moment', async (t) => {
  const { one } = await start(t)
  const good = newTask()
  const bad = newTask({ args: '"\0"' })
  const [held] = await Promise.all([one.hold(good), t.throwsAsync(one.add(bad), refused)])
  t.is(held, undefined)
  t.is(await one.state(good), 'queued')
  t.is(await one.state(bad), undefined)
})
