import test, { type ExecutionContext } from 'ava'
import { PostgresQueue } from '../../../src/queue/postgres/engine.ts'
import { Endings } from '../../support/endings.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { hour, ids, newTask, retried, Subject } from '../conformance/subject.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

/** How far the times of a test may be apart, in milliseconds; the clocks are an hour apart. */
const minutes = 600_000

/** A process whose clock is wrong by so many milliseconds. */
async function open(t: ExecutionContext, url: string, wrong: number): Promise<Subject & { now(): number }> {
  const now = (): number => Date.now() + wrong
  const bounds = { maxTasks: 1_000, maxBytes: 1_000_000 }
  const engine = new PostgresQueue(url, bounds, { tasks: 1_000 }, { clock: now })
  await engine.open({ names: new Set(['files.resize', 'files.read']), pools: ['cpu'], files: true })
  t.teardown(() => engine.close())
  return Object.assign(new Subject(engine), { now })
}

for (const [how, wrong] of [
  ['an hour ahead', hour],
  ['an hour behind', -hour],
] as const) {
  test(`postgres: delays, times and retries of a process whose clock is ${how} are right`, async (t) => {
    const url = await databases.create(t)
    const strange = await open(t, url, wrong)
    const other = await open(t, url, 0)
    const start = (subject: typeof strange, { id }: { id: string }): unknown =>
      subject.engine.start([id], subject.now())
    const soon = [{ delay: 500 }, { runAt: strange.now() + 500 }].map((options) => newTask({ options }))
    const far = [{ delay: hour / 2 }, { runAt: strange.now() + hour / 2 }].map((options) =>
      newTask({ options }),
    )
    await strange.add(...soon, ...far)
    // Each is claimed by whom the other's clock would have misled.
    const [first, second] = [await other.next(), await strange.next()]
    t.deepEqual(ids([first, second]).toSorted(), ids(soon).toSorted())
    await start(other, first)
    await start(strange, second)

    t.true(await other.engine.record(first.id, 1, { ...retried(other.now() + hour / 2), at: other.now() }))
    t.true(await strange.engine.record(second.id, 1, { ...retried(strange.now() + 500), at: strange.now() }))
    const again = await strange.next()
    t.like(again, { id: second.id, attempt: 2 })
    await start(strange, again)
    t.true(await strange.engine.record(again.id, 2, { state: 'succeeded', at: strange.now(), result: null }))
    for (const task of [first, ...far]) t.is(await other.state(task), 'scheduled')
    t.deepEqual([...(await strange.claim()), ...(await other.claim())], [])

    // What all see are the times of the database.
    const { addedAt, runAt, startedAt, endedAt } = (await other.engine.get(second.id))!
    for (const time of [addedAt, runAt!, startedAt!, endedAt!]) {
      t.true(Math.abs(time - Date.now()) < minutes, new Date(time).toISOString())
    }
  })

  test(`postgres: a rate limit holds for a process whose clock is ${how}`, async (t) => {
    const url = await databases.create(t)
    const strange = await open(t, url, wrong)
    const other = await open(t, url, 0)
    const [long, short] = [
      { max: 1, per: hour / 2 },
      { max: 1, per: 500 },
    ].map((rateLimit) => ({ options: { rateLimit } }))
    const slow = [newTask(long), newTask(long)]
    await strange.add(...slow)
    t.is((await strange.next()).id, slow[0]!.id)
    const quick = [1, 2, 3].map(() => newTask({ ...short, name: 'files.read' }))
    await other.add(...quick)
    for (const subject of [strange, other, strange]) t.is((await subject.next()).name, 'files.read')
    t.deepEqual([...(await strange.claim()), ...(await other.claim())], [])
    t.is(await other.state(slow[1]!), 'queued')
  })
}
