import { setTimeout as wait } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { ClaimedTask, NewTask } from '../../../src/core/task.ts'
import { Endings } from '../../support/endings.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { hour, ids, newGroup, newTask, succeeded } from '../conformance/subject.ts'
import { connect, join, type Joined } from './joined.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

/** Two processes that share a queue. */
async function two(t: ExecutionContext): Promise<[Joined, Joined, string]> {
  const url = await databases.create(t)
  return [await join(t, url), await join(t, url), url]
}

/** Claims again and again, as fast as the database answers, until `done`; runs each task by `run`. */
async function hammer(
  { engine }: Joined,
  slots: number,
  done: () => boolean,
  run: (task: ClaimedTask) => Promise<void>,
): Promise<void> {
  const running: Promise<void>[] = []
  while (!done()) {
    const claimed = await engine.claim('cpu', slots)
    await engine.start(ids(claimed), Date.now())
    for (const task of claimed) running.push(run(task).then(() => finish(task)))
    await wait(1)
  }
  await Promise.all(running)

  async function finish({ id, attempt }: ClaimedTask): Promise<void> {
    await engine.record(id, attempt, succeeded())
  }
}

test.serial(
  'of a name no more run at a time than its concurrency, however many processes claim',
  async (t) => {
    const [a, b] = await two(t)
    const added = Array.from({ length: 60 }, () => newTask({ options: { concurrency: 3 } }))
    await a.add(...added.slice(0, 30))
    await b.add(...added.slice(30))
    let [running, most, ended] = [0, 0, 0]
    const runs = new Map<string, number>()
    const run = async ({ id }: ClaimedTask): Promise<void> => {
      most = Math.max(most, ++running)
      runs.set(id, (runs.get(id) ?? 0) + 1)
      // Longer than some claims take, shorter than others.
      await wait(5)
      running--
      ended++
    }
    const done = (): boolean => ended === added.length
    await Promise.all([a, b].map((process) => hammer(process, 5, done, run)))
    t.is(most, 3)
    t.deepEqual(
      [...runs.values()],
      Array.from(added, () => 1),
    )
    t.deepEqual(await a.counters(), { succeeded: 60 })
  },
)

test.serial(
  'of a name no more start within the window of its rate limit, however many processes claim',
  async (t) => {
    const [a, b, url] = await two(t)
    const client = await connect(t, url)
    // When they were claimed, by the clock that counts.
    await client.query(`CREATE TABLE starts (at timestamptz);
    CREATE FUNCTION note_start() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN INSERT INTO public.starts VALUES (new.at); RETURN new; END';
    CREATE TRIGGER note_start AFTER INSERT ON afterwork.rated_starts FOR EACH ROW EXECUTE FUNCTION note_start()`)
    const [max, per] = [3, 150]
    const added = Array.from({ length: 15 }, () => newTask({ options: { rateLimit: { max, per } } }))
    await a.add(...added)
    let ended = 0
    const done = (): boolean => ended === added.length
    const run = async (): Promise<void> => void ended++
    await Promise.all([a, b].map((process) => hammer(process, 5, done, run)))
    const { rows } = await client.query<{ at: number }>(
      'SELECT extract(epoch FROM at)::float8 * 1000 AS at FROM starts ORDER BY at',
    )
    t.is(rows.length, added.length)
    for (let at = max; at < rows.length; at++) t.true(rows[at]!.at - rows[at - max]!.at >= per - 0.01)
  },
)

test.serial(
  'of a window that is longer than the test, two processes start no more together than one would',
  async (t) => {
    const url = await databases.create(t)
    const names = Array.from({ length: 8 }, (_, at) => `files.limited${at}`)
    const known = { names: new Set(names) }
    const [a, b] = [await join(t, url, known), await join(t, url, known)]
    const rateLimit = { max: 7, per: hour }
    for (const name of names) {
      await a.add(...Array.from({ length: 20 }, () => newTask({ name, options: { rateLimit } })))
      // In both the lane is known before they claim.
      await b.add(newTask({ name, options: { rateLimit } }))
      const claimed = (await Promise.all([a, b, a, b].map((process) => process.claim(5)))).flat()
      // Who came while the other claimed is to ask again.
      for (const process of [a, b]) claimed.push(...(await process.claim(20)))
      t.is(claimed.length, 7)
    }
  },
)

test.serial(
  'tasks of one key that two processes add at the same time are one, which runs once',
  async (t) => {
    const [a, b] = await two(t)
    const added = Array.from({ length: 40 }, () => newTask({ options: { unique: 'the only one' } }))
    await Promise.all(added.map((task, at) => (at % 2 === 0 ? a : b).add(task)))
    const records = await Promise.all(added.map(({ id }) => b.engine.get(id)))
    t.is(new Set(records.map((record) => record!.id)).size, 1)
    t.deepEqual(await a.counters(), { queued: 1 })
    const claimed = (await Promise.all([a.claim(), b.claim()])).flat()
    t.deepEqual(claimed, [records[0]!.id])
  },
)

test.serial('each task is claimed by one process, whatever both claim at the same time', async (t) => {
  const [a, b] = await two(t)
  const added = Array.from({ length: 300 }, () => newTask())
  await a.engine.add(added, { held: false })
  const claimed: string[] = []
  const done = (): boolean => claimed.length === added.length
  const run = async ({ id }: ClaimedTask): Promise<void> => void claimed.push(id)
  await Promise.all([a, b].map((process) => hammer(process, 7, done, run)))
  t.deepEqual(claimed.toSorted(), ids(added).toSorted())
})

test.serial(
  'two processes that claim in turns are given tasks by priority, then by age, as one would be',
  async (t) => {
    const [a, b] = await two(t)
    const added: NewTask[] = []
    for (let at = 0; at < 8; at++) {
      const task = newTask({ options: { priority: [0, 5, -3][at % 3]! } })
      added.push(task)
      await (at % 2 === 0 ? a : b).add(task)
    }
    const wanted = added.toSorted((x, y) => y.options.priority - x.options.priority)
    const claimed: string[] = []
    for (let at = 0; at < 8; at++) claimed.push(...(await (at % 2 === 0 ? b : a).claim(1)))
    t.deepEqual(claimed, ids(wanted))
  },
)

test.serial(
  'what one process has claimed ahead of its slots goes back when another adds what is more urgent',
  async (t) => {
    const [a, b, url] = await two(t)
    const client = await connect(t, url)
    const urgent = newTask({ options: { priority: 9 } })
    const added = Array.from({ length: 5_000 }, () => newTask())
    await a.engine.add(added, { held: false })
    const claimed: string[] = []
    const ahead = async (): Promise<number> => {
      const { rows } = await client.query<{ count: number }>(
        `SELECT count(*)::integer FROM afterwork_boss.job WHERE state = 'active'`,
      )
      return rows[0]!.count - claimed.length
    }
    // It claims ahead where one claim follows soon on the other.
    do for (let count = 0; count < 20; count++) claimed.push(...(await a.claim(1)))
    while ((await ahead()) === 0)
    await client.query('LISTEN "afterwork.work"')
    const said = new Promise<void>((resolve) => {
      client.on('notification', ({ payload }) => void (payload === 'c:9:cpu' && resolve()))
    })
    // What it has asked for arrives before.
    await wait(50)
    await b.add(urgent)
    await said
    // It has heard it, too, about now.
    await wait(50)
    t.deepEqual(await a.claim(1), [urgent.id])
  },
)

test.serial('the tasks of a group run one after the other, in whichever processes', async (t) => {
  const [a, b] = await two(t)
  const group = newGroup({}, {}, {}, {})
  await a.add(...group)
  const processes = [a, b, b, a]
  for (const [at, task] of group.entries()) {
    const [runs, other] = processes[at] === a ? [a, b] : [b, a]
    await runs.run(t, task)
    t.deepEqual(await other.claim(), [])
    t.true(await runs.engine.record(task.id, 1, succeeded()))
  }
})
