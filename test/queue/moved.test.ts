import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import pg from 'pg'
import { moveQueue, type Move } from '../../src/queue/move.ts'
import { PostgresQueue } from '../../src/queue/postgres/engine.ts'
import type { Engine } from '../../src/queue/queue.ts'
import { SqliteQueue } from '../../src/queue/sqlite/engine.ts'
import { Endings } from '../support/endings.ts'
import { temporaryFolder } from '../support/folder.ts'
import { queueDatabases, type QueueDatabases } from '../support/queue-database.ts'
import {
  failed,
  hour,
  ids,
  newGroup,
  newTask,
  retried,
  storedFile,
  succeeded,
  Subject,
  type Open,
  type Wanted,
} from './conformance/subject.ts'
import { property } from './property.ts'
import { openQueue, type OpenedQueue } from './sqlite/opened.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

/** Opens an engine on a file; at the first crash all of it moves into a database, where an engine goes on. */
const open: Open = async (t, bounds, retention) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'queue.db')
  const first = new SqliteQueue(file, bounds, retention)
  await first.open()
  let last: Engine = first
  let url: string | undefined
  t.teardown(() => last.close())
  const reopen = async (): Promise<Engine> => {
    await last.counters()
    if (url === undefined) {
      const crashed = join(folder, 'crashed.db')
      for (const ending of ['', '-wal']) await copyFile(file + ending, crashed + ending)
      await last.close()
      url = await databases.create(t)
      await moveQueue(crashed, url)
    } else {
      await last.close()
      await forgetSigns(url)
    }
    last = new PostgresQueue(url, bounds, retention, { silent: true })
    await last.open()
    return last
  }
  return { engine: first, reopen }
}

/** As though the processes had given their last sign of life long ago. */
async function forgetSigns(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`UPDATE afterwork.processes SET seen_on = '-infinity';
    UPDATE afterwork_boss.job SET heartbeat_on = '-infinity' WHERE state = 'active';
    UPDATE afterwork_boss.queue SET monitor_on = NULL, monitor_claim_on = NULL`)
  await client.end()
}

property('moved from sqlite to postgres', open, 40)

/** What a crash leaves of a queue: once as the next start finds it, and once as it is after it has moved. */
async function both(
  t: ExecutionContext,
  queue: OpenedQueue,
): Promise<{ stayed: Subject; moved: Subject; told: Move; url: string }> {
  await queue.engine.counters()
  const folder = await temporaryFolder(t)
  const copies = ['stayed.db', 'left.db'].map((name) => join(folder, name)) as [string, string]
  for (const copy of copies)
    for (const ending of ['', '-wal']) await copyFile(queue.file + ending, copy + ending)
  await queue.engine.close()
  const url = await databases.create(t)
  const told = await moveQueue(copies[1], url)
  const engine = new PostgresQueue(url, { maxTasks: 1e6, maxBytes: 1e9 }, { tasks: 1e5 })
  t.teardown(() => engine.close())
  await engine.open()
  return { stayed: await openQueue(t, { file: copies[0] }), moved: new Subject(engine), told, url }
}

/** The ids of all that ran at the crash, in the order in which they run again. */
async function suspectsOf({ engine }: Subject): Promise<string[]> {
  const found: string[] = []
  for (;;) {
    const suspect = await engine.claimSuspect(['cpu', 'mail'])
    if (suspect === undefined) return found
    found.push(suspect.id)
  }
}

/** What is known of a task, and what the next attempt of it is given. */
function known(queue: Subject, all: readonly string[]): Promise<unknown[]> {
  return Promise.all(all.map((id) => queue.engine.get(id)))
}

test('everything that a queue holds is the same after it has moved', async (t) => {
  const queue = await openQueue(t)
  const { engine } = queue
  const keyed = (options: Wanted['options'] = {}) => newTask({ options: { unique: 'k\u0000', ...options } })
  const file = storedFile()
  const receipt = { key: 'a key', fingerprint: 'f', answer: '"é"', expiresAt: Date.now() + hour }
  const onEnded = { name: 'audit.ended', options: { ...newTask().options, pool: 'audit' } }
  const ended = [
    newTask({ options: { keepResult: 2 * hour } }),
    newTask({ args: '["é\\u0000"]' }),
    newTask({ files: [file], options: { retries: 2 } }),
  ]
  const far = newTask({ options: { retries: 3 } })
  const group = newGroup({}, { options: { priority: 5 } }, { options: { onlyAfterSuccess: true } })
  const once = newTask({ options: { delivery: 'at-most-once', onEnded } })
  const others = [
    newTask({ options: { priority: -1 } }),
    newTask({ options: { priority: 7, batch: true } }),
    newTask({ name: 'mail.send', options: { pool: 'mail', rateLimit: { max: 1, per: hour } } }),
    newTask({ name: 'mail.send', options: { pool: 'mail', rateLimit: { max: 1, per: hour } } }),
    newTask({ options: { delay: hour } }),
    newTask({ name: 'files.one', files: [file], options: { concurrency: 1 } }),
    newTask({ name: 'local', options: { pool: 'local' } }),
  ]
  await engine.add([], { held: false, receipt })
  for (const task of [...ended, far]) {
    await queue.add(task)
    const end =
      task === ended[1] ? succeeded('{"n":1}') : task === far ? retried(Date.now() + hour) : failed()
    await queue.end(t, task, end)
  }
  await queue.add(...group)
  await queue.run(t, group[0]!)
  await queue.add(once)
  await queue.run(t, once)
  await queue.add(others[2]!)
  await queue.run(t, others[2]!, 'mail')
  for (const task of others) if (task !== others[2]) await queue.add(task)
  const [live, alias] = [keyed(), newGroup({ options: { unique: 'k\u0000' } }, {}, {})]
  await queue.hold(live)
  await queue.add(...alias)
  const held = [newTask(), ...newGroup({}, {})]
  for (const task of held) await queue.hold(task)
  await engine.pause('mail')
  await engine.cancel(others[0]!.id, Date.now())

  const { stayed, moved, told, url } = await both(t, queue)
  const all = ids([...ended, far, ...group, ...others, live, ...alias, ...held])
  t.deepEqual(await known(moved, all), await known(stayed, all))
  const [failure, expected] = [await moved.engine.get(once.id), await stayed.engine.get(once.id)]
  const { endedAt, error } = expected!
  t.deepEqual({ ...failure, endedAt, error }, expected)
  t.like(failure, { state: 'failed', error: { code: 'AFTERWORK_INTERRUPTED' } })
  t.deepEqual(await moved.counters(), await stayed.counters())
  t.like(told, { aliases: 1, receipts: 1, paused: ['mail'] })
  t.deepEqual(await moved.engine.receipt('a key'), await stayed.engine.receipt('a key'))
  t.deepEqual(await moved.engine.file(file.id), await stayed.engine.file(file.id))
  t.deepEqual(await orderOfEnding(t, url), [...ids(ended), others[0]!.id, once.id])

  // In the order in which it would have run; the pool that was paused is so still.
  t.deepEqual(await suspectsOf(stayed), [group[0]!.id])
  t.deepEqual(await suspectsOf(moved), [group[0]!.id])
  const claimed = await moved.claim()
  t.deepEqual(claimed, await stayed.claim())
  t.is(claimed.length, 5)
  t.deepEqual(await moved.claim(100, 'mail'), [])
  for (const one of [stayed, moved]) await one.engine.resume('mail')
  t.deepEqual(await suspectsOf(moved), [others[2]!.id])
  // A start of this hour is one, wherever it was.
  t.deepEqual(await moved.claim(100, 'mail'), [])
  t.deepEqual(await moved.claim(100, 'local'), [others[6]!.id])
  t.is((await moved.claim(100, 'audit')).length, 1)
  const late = newTask({ options: { priority: -1 } })
  await moved.add(late)
  t.deepEqual(await moved.claim(), [late.id])
  // The first of a group lets the next one go on, and the task of an alias the group of that.
  for (const [{ id }, attempt, next] of [
    [group[0]!, 2, group[1]!],
    [live, 1, alias[1]!],
  ] as const) {
    await moved.engine.start([id], Date.now())
    t.true(await moved.engine.record(id, attempt, succeeded()))
    t.deepEqual(await moved.claim(), [next.id])
  }
})

async function orderOfEnding(t: ExecutionContext, url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  const text = 'SELECT id FROM afterwork.tasks WHERE ended IS NOT NULL ORDER BY ended'
  return ids((await client.query<{ id: string }>(text)).rows)
}
