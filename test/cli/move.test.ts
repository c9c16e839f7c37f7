import { copyFile, mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type ExecutionContext } from 'ava'
import pg from 'pg'
import { PostgresQueue } from '../../src/queue/postgres/engine.ts'
import { newTask } from '../queue/conformance/subject.ts'
import { openQueue } from '../queue/sqlite/opened.ts'
import { Endings } from '../support/endings.ts'
import { temporaryFolder } from '../support/folder.ts'
import { command, type CommandLine, type Ended } from '../support/process.ts'
import { queueDatabases, type QueueDatabases } from '../support/queue-database.ts'
import { queueAtRest } from './queue-at-rest.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

const from = ['--from', 'sqlite:data/queue.db']
const counts = { queued: 1, scheduled: 1, running: 0, succeeded: 1, failed: 5, cancelled: 0 }

async function run(
  t: ExecutionContext,
  folder: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  return await (
    await command(t, args, env, folder)
  ).ended
}

/** Moves, which must go well; gives what it says. */
async function moves(t: ExecutionContext, folder: string, url: string): Promise<any> {
  const { code, stdout, stderr } = await run(t, folder, ['move', ...from, '--to', url, '--json'])
  t.deepEqual([code, stderr], [0, ''])
  return JSON.parse(stdout)
}

/** It must end with one line on standard error that says this, and never a password. */
function refused(t: ExecutionContext, { code, stdout, stderr }: Ended, line: RegExp, expected = 1): void {
  t.regex(stderr, /^afterwork: [^\n]+\n$/)
  t.regex(stderr, line)
  t.notRegex(stderr, /only%20for%20tests|hunter2/)
  t.is(stdout, '')
  t.is(code, expected)
}

/** A connection of the test's own to a database. */
async function connectTo(t: ExecutionContext, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => client.end())
  return client
}

async function tasksIn(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ count: number }>('SELECT count(*)::integer FROM afterwork.tasks')
  return rows[0]!.count
}

/** Resolves once a statement of another connection waits for a lock. */
async function untilWaits(client: pg.Client, statement: string): Promise<void> {
  for (;;) {
    const { rows } = await client.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1`,
      [statement],
    )
    if (rows.length > 0) return
  }
}

async function kill({ child, ended }: CommandLine): Promise<void> {
  child.kill('SIGKILL')
  await ended
}

test('a queue moves with its tasks, says so, and is set aside; whoever knows its database goes on', async (t) => {
  const url = await databases.create(t)
  const { folder, failed, scheduled } = await queueAtRest(t)
  const { code, stdout, stderr } = await run(t, folder, ['move', ...from], { AFTERWORK_QUEUE: url })
  t.deepEqual([code, stderr], [0, ''])
  t.regex(
    stdout,
    /^moved to postgres:\/\/tester@\S+: 8 tasks \(1 queued, 1 scheduled, 1 succeeded, 5 failed\); the file is kept as \S+\/data\/queue\.db\.moved\n$/,
  )
  t.deepEqual((await readdir(join(folder, 'data'))).sort(), ['queue.db-lock', 'queue.db.moved'])
  const env = { AFTERWORK_QUEUE: url }
  const shown = await run(t, folder, ['tasks', 'stats', '--json'], env)
  t.deepEqual(JSON.parse(shown.stdout).counts, counts)
  const task = JSON.parse((await run(t, folder, ['tasks', 'show', failed[0]!, '--json'], env)).stdout)
  t.like(task, { priority: 2, attempt: 1, error: { name: 'RangeError', fields: { responseCode: 550 } } })
  t.deepEqual(task.arguments, [{ to: 'a@example.org', password: '[redacted]' }])
  const retried = await run(t, folder, ['tasks', 'retry', ...failed], env)
  t.is(retried.stdout, '5 tasks retried\n')
  const cancelled = await run(t, folder, ['tasks', 'cancel', scheduled], env)
  t.is(cancelled.stdout, '1 task cancelled\n')

  refused(t, await run(t, folder, ['move', ...from, '--to', url]), /it was moved already, and is kept as/)
})

test('no process starts on a file that was moved, or mends it', async (t) => {
  const url = await databases.create(t)
  const { folder, file } = await queueAtRest(t)
  await moves(t, folder, url)
  await rename(`${file}.moved`, file)
  const said = /queue\.db was moved to \S+, or was being moved when the process died/
  refused(t, await run(t, folder, ['serve', '--port', '0']), said)
  refused(t, await run(t, folder, ['tasks', 'list']), said)
  const mended = await run(t, folder, ['tasks', 'recover'])
  refused(t, mended, /queue\.db was moved to another queue/)
  // Another queue than that which it was moved to.
  const other = await databases.create(t)
  const elsewhere = await run(t, folder, ['move', ...from, '--to', other])
  refused(t, elsewhere, /was being moved to \S+ when the process died: .* so move it there/)
  t.is(await tasksIn(await connectTo(t, other)), 0)
  t.deepEqual((await moves(t, folder, url)).tasks, counts)
  t.is(await tasksIn(await connectTo(t, url)), 8)
})

test('a move that is killed while it writes has moved nothing; the next one moves all', async (t) => {
  const url = await databases.create(t)
  const { folder } = await queueAtRest(t)
  const [holder, client] = [await connectTo(t, url), await connectTo(t, url)]
  await holder.query('BEGIN; LOCK TABLE afterwork.totals IN EXCLUSIVE MODE')
  const line = await command(t, ['move', ...from, '--to', url], {}, folder)
  await untilWaits(client, 'INSERT INTO "afterwork".totals%')
  await kill(line)
  await holder.query('COMMIT')
  const listed = await run(t, folder, ['tasks', 'stats', '--json'])
  t.deepEqual(JSON.parse(listed.stdout).counts, counts)
  t.is(await tasksIn(client), 0)
  t.deepEqual((await moves(t, folder, url)).tasks, counts)
  t.is(await tasksIn(client), 8)
})

test('a move that is killed just before the commit keeps services from the file; the next one moves all', async (t) => {
  const url = await databases.create(t)
  const { folder } = await queueAtRest(t)
  const [holder, client] = [await connectTo(t, url), await connectTo(t, url)]
  await holder.query('BEGIN; LOCK TABLE afterwork.settings IN EXCLUSIVE MODE')
  const line = await command(t, ['move', ...from, '--to', url], {}, folder)
  await untilWaits(client, 'INSERT INTO "afterwork".settings%')
  await kill(line)
  const started = await run(t, folder, ['serve', '--port', '0'])
  refused(t, started, /was being moved when the process died: 'afterwork move --from \S+ --to \.\.\.' brings/)
  await holder.query('COMMIT')
  t.deepEqual((await moves(t, folder, url)).tasks, counts)
  t.is(await tasksIn(client), 8)
})

test('a move that is killed during the commit is found to have been made; nothing is there twice', async (t) => {
  const url = await databases.create(t)
  const { folder } = await queueAtRest(t)
  const [holder, client] = [await connectTo(t, url), await connectTo(t, url)]
  await client.query(`CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN PERFORM pg_advisory_xact_lock(5); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON afterwork.settings DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION wait()`)
  await holder.query('SELECT pg_advisory_lock(5)')
  const line = await command(t, ['move', ...from, '--to', url], {}, folder)
  await untilWaits(client, 'COMMIT')
  await kill(line)
  await holder.query('SELECT pg_advisory_unlock(5)')
  t.deepEqual((await moves(t, folder, url)).tasks, counts)
  t.is(await tasksIn(client), 8)
  t.true((await readdir(join(folder, 'data'))).includes('queue.db.moved'))
})

test('a connection that is lost while all is committed is told of, and the next move finds out', async (t) => {
  const url = await databases.create(t)
  const { folder } = await queueAtRest(t)
  const [holder, client] = [await connectTo(t, url), await connectTo(t, url)]
  await holder.query('BEGIN; LOCK TABLE afterwork.settings IN EXCLUSIVE MODE')
  const line = await command(t, ['move', ...from, '--to', url], {}, folder)
  await untilWaits(client, 'INSERT INTO "afterwork".settings%')
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'afterwork'`,
  )
  refused(t, await line.ended, /connection to the database was lost just when all of it was committed/)
  await holder.query('COMMIT')
  t.deepEqual((await moves(t, folder, url)).tasks, counts)
  t.is(await tasksIn(client), 8)
})

test('a file that somebody reads for long is set aside by the next move', async (t) => {
  const url = await databases.create(t)
  const { folder, file } = await queueAtRest(t)
  const reader = new DatabaseSync(file, { readOnly: true })
  t.teardown(() => reader.isOpen && reader.close())
  reader.exec('BEGIN')
  reader.prepare('SELECT count(*) FROM tasks').get()
  const moved = await run(t, folder, ['move', ...from, '--to', url])
  refused(
    t,
    moved,
    /Everything was moved, but \S+ could not be set aside \([^)]+\): run the same command again/,
  )
  reader.close()
  t.deepEqual((await moves(t, folder, url)).tasks, counts)
  t.deepEqual((await readdir(join(folder, 'data'))).sort(), ['queue.db-lock', 'queue.db.moved'])
  t.is(await tasksIn(await connectTo(t, url)), 8)
})

test('a queue that a process works on stays where it is', async (t) => {
  const url = await databases.create(t)
  const queue = await openQueue(t)
  await queue.add(newTask())
  const moved = await run(t, '/', ['move', '--from', `sqlite:${queue.file}`, '--to', url])
  refused(t, moved, new RegExp(`is in use by process ${process.pid}`))
  t.deepEqual(await queue.counters(), { queued: 1 })
  t.is(await tasksIn(await connectTo(t, url)), 0)
})

test('while another move goes into a database none begins', async (t) => {
  const url = await databases.create(t)
  const [first, second] = [await queueAtRest(t), await queueAtRest(t)]
  const [holder, client] = [await connectTo(t, url), await connectTo(t, url)]
  await holder.query('BEGIN; LOCK TABLE afterwork.totals IN EXCLUSIVE MODE')
  const line = await command(t, ['move', ...from, '--to', url], {}, first.folder)
  await untilWaits(client, 'INSERT INTO "afterwork".totals%')
  refused(
    t,
    await run(t, second.folder, ['move', ...from, '--to', url]),
    /Another move into \S+ is under way: run this one when it has ended/,
  )
  await holder.query('COMMIT')
  t.is((await line.ended).code, 0)
  await moves(t, second.folder, url)
  t.is(await tasksIn(client), 16)
})

for (const [which, change, line] of [
  ['a newer', 'version + 1', /schema afterwork is of a newer version of afterwork \(\d+, this one has \d+\)/],
  [
    'an older',
    'version - 1',
    /schema afterwork is of an older version of afterwork .* start a service of this version/,
  ],
] as const) {
  test(`a database of ${which} version is refused, and stays as it is`, async (t) => {
    const url = await databases.create(t)
    const client = await connectTo(t, url)
    await client.query(`UPDATE afterwork.version SET version = ${change}`)
    const { folder, file } = await queueAtRest(t)
    refused(t, await run(t, folder, ['move', ...from, '--to', url]), line)
    t.is(await tasksIn(client), 0)
    const listed = await run(t, folder, ['tasks', 'stats', '--queue', `sqlite:${file}`])
    t.is(listed.code, 0)
  })
}

test('live tasks of both queues with the same unique key are named, and nothing is moved until one has ended', async (t) => {
  const url = await databases.create(t)
  const keyed = () => newTask({ name: 'mail.sendDigest', options: { unique: 'a\u0000key' } })
  const [own, theirs] = [keyed(), keyed()]
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'data'))
  const queue = await openQueue(t, { file: join(folder, 'data', 'queue.db') })
  await queue.add(own, newTask())
  await queue.engine.close()
  const other = new PostgresQueue(url, { maxTasks: 10, maxBytes: 100 }, { tasks: 10 })
  await other.open()
  t.teardown(() => other.close())
  await other.add([theirs], { held: false })
  const moved = await run(t, folder, ['move', ...from, '--to', url])
  refused(
    t,
    moved,
    new RegExp(`Nothing was moved: .*mail\\.sendDigest ${own.id} and ${theirs.id}\\); let one of each end`),
  )
  t.deepEqual(
    (await other.list({ limit: 10 })).map(({ id }) => id),
    [theirs.id],
  )
  await other.cancel(theirs.id, Date.now())
  t.is((await moves(t, folder, url)).tasks.queued, 2)
  t.is((await other.get(own.id))?.state, 'queued')
})

test('an older copy of a file that was moved is not moved again', async (t) => {
  const url = await databases.create(t)
  const { folder, file } = await queueAtRest(t)
  const copy = await queueAtRest(t)
  await copyFile(file, copy.file)
  await moves(t, folder, url)
  const again = await run(t, copy.folder, ['move', ...from, '--to', url])
  refused(t, again, /Nothing was moved: .* has a task of this queue already .* older copy/)
  const listed = await run(t, copy.folder, ['tasks', 'stats', '--json'])
  t.deepEqual(JSON.parse(listed.stdout).counts, counts)
})

test('what cannot be moved is said in one line, and which way it goes', async (t) => {
  const { folder } = await queueAtRest(t)
  const url = 'postgres://me:hunter2@127.0.0.1:1/shop'
  const asked: [string[], RegExp, number][] = [
    [['--to', url], /--from: Expected the queue that moves, such as 'sqlite:/, 2],
    [from, /--to: Expected a queue in PostgreSQL/, 2],
    [['--from', url, '--to', 'sqlite:new.db'], /goes from 'sqlite:' to 'postgres:' only, not from/, 2],
    [['--from', url, '--to', url], /goes from 'sqlite:' to 'postgres:' only/, 2],
    [[...from, '--to', 'memory:'], /only, not from sqlite:data\/queue\.db to memory:/, 2],
    [[...from, '--form', url], /got "--form", did you mean "from"/, 2],
    [['--from', 'sqlite:no-such.db', '--to', url], /There is no queue at no-such\.db/, 1],
    [[...from, '--to', url], /The database of the queue cannot be used: .*ECONNREFUSED/, 1],
  ]
  for (const [args, line, code] of asked) refused(t, await run(t, folder, ['move', ...args]), line, code)
  const listed = await run(t, folder, ['tasks', 'stats', '--json'])
  t.deepEqual(JSON.parse(listed.stdout).counts, counts)
})
