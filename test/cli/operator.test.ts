import { hostname } from 'node:os'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import pg from 'pg'
import { PostgresQueue } from '../../src/queue/postgres/engine.ts'
import { failed, hour, newTask, retried, Subject } from '../queue/conformance/subject.ts'
import { Endings } from '../support/endings.ts'
import { temporaryFolder } from '../support/folder.ts'
import { command, serveCommand, type Ended } from '../support/process.ts'
import { queueDatabases, type QueueDatabases } from '../support/queue-database.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

/** Runs a command in a folder of its own. */
async function run(t: ExecutionContext, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return await (
    await command(t, args, env)
  ).ended
}

async function json(t: ExecutionContext, url: string, args: string[]): Promise<any> {
  const { code, stdout, stderr } = await run(t, [...args, '--json', '--queue', url])
  t.deepEqual([code, stderr], [0, ''])
  return JSON.parse(stdout)
}

/** A process that works on the pools cpu and mail. */
async function worker(t: ExecutionContext, url: string): Promise<Subject> {
  const engine = new PostgresQueue(url, { maxTasks: 100, maxBytes: 1e6 }, { tasks: 100 })
  t.teardown(() => engine.close())
  await engine.open({ names: new Set(['files.resize']), pools: ['cpu', 'mail'], files: true })
  return new Subject(engine)
}

test('tasks of a database are listed, shown and counted while no service runs', async (t) => {
  const url = await databases.create(t)
  const queue = await worker(t, url)
  const [task, waiting, later] = [newTask(), newTask(), newTask({ options: { delay: hour, priority: 3 } })]
  await queue.add(task)
  await queue.end(t, task, failed())
  await queue.add(waiting, later)
  const { tasks, next } = await json(t, url, ['tasks', 'list', '--limit', '2'])
  t.deepEqual(
    tasks.map(({ id, state }: { id: string; state: string }) => [id, state]),
    [
      [later.id, 'scheduled'],
      [waiting.id, 'queued'],
    ],
  )
  t.is(next, waiting.id)
  t.is((await json(t, url, ['tasks', 'list', '--cursor', next])).tasks[0].id, task.id)
  t.like(await json(t, url, ['tasks', 'show', later.id]), { pool: 'cpu', priority: 3, state: 'scheduled' })
  t.regex((await json(t, url, ['tasks', 'show', task.id])).error.stack, /RangeError: too far\n/)
  t.like(await json(t, url, ['tasks', 'stats']), {
    counts: { queued: 1, scheduled: 1, running: 0, succeeded: 0, failed: 1, cancelled: 0 },
  })
  const { source, pools } = await json(t, url, ['top'])
  t.regex(source, /^postgres:\/\/\w+@/)
  t.deepEqual(
    pools.map(({ name, processes }: { name: string; processes: number }) => [name, processes]),
    [
      ['cpu', 1],
      ['mail', 1],
    ],
  )
})

test('tasks of a database are retried, cancelled and forgotten; what cannot be is told with the reason', async (t) => {
  const url = await databases.create(t)
  const queue = await worker(t, url)
  const onEnded = { name: 'audit.ended', options: { ...newTask().options, pool: 'audit' } }
  const [again, gone, live] = [newTask(), newTask(), newTask({ options: { onEnded } })]
  for (const task of [again, gone]) {
    await queue.add(task)
    await queue.end(t, task, failed())
  }
  await queue.add(live)
  const retried = await run(t, ['tasks', 'retry', again.id, live.id, '--queue', url])
  t.is(retried.stdout, '1 task retried\n')
  t.regex(retried.stderr, new RegExp(`${live.id}\tAFTERWORK_CONFLICT\t.*it is queued`))
  t.is(await queue.state(again), 'queued')
  t.deepEqual(await json(t, url, ['tasks', 'purge', '--state', 'failed', '--yes']), {
    action: 'purge',
    done: 1,
    failed: [],
  })
  t.is(await queue.state(gone), undefined)
  t.like(await json(t, url, ['tasks', 'cancel', live.id]), { done: 1 })
  t.is(await queue.state(live), 'cancelled')
  // What its end brings about comes with it.
  t.is((await json(t, url, ['tasks', 'list', '--name', 'audit.ended'])).tasks.length, 1)
})

test('a task is shown with its attempts that did not end well, one a line, and nothing of them can steer a terminal', async (t) => {
  const url = await databases.create(t)
  const queue = await worker(t, url)
  const [task, well] = [newTask(), newTask()]
  await queue.add(task)
  await queue.end(t, task, retried(0))
  const failure = { name: 'Error', message: '\u001b[2J gone\nand on', code: 'EPIPE' }
  await queue.end(t, task, { state: 'failed', at: Date.now(), failure })
  await queue.add(well)
  await queue.end(t, well)
  const { attempts } = await json(t, url, ['tasks', 'show', task.id])
  const { host, pid } = { host: hostname(), pid: process.pid }
  const error = { name: 'RangeError', message: 'too far' }
  t.like(attempts[0], { attempt: 1, state: 'retried', process: { host, pid }, error })
  t.like(attempts[1], { attempt: 2, state: 'failed', process: { host, pid }, error: failure })
  t.is(attempts.length, 2)
  const { stdout } = await run(t, ['tasks', 'show', task.id, '--queue', url])
  const lines = stdout.split('\n')
  const first = lines.indexOf('attempts that did not end well') + 1
  t.regex(lines[first]!, /^ {2}no {2}state +started +took +process +error$/)
  t.regex(lines[first + 1]!, /^ {3}1 {2}retried {2}\d{4}-\S+Z +[\d.]+m?s {2}\S+:\d+ +RangeError: too far$/)
  t.regex(lines[first + 2]!, /^ {3}2 {2}failed .*:\d+ +EPIPE: \\u001b\[2J gone\\nand on$/)
  t.is(lines[first + 3], 'error')
  t.false('attempts' in (await json(t, url, ['tasks', 'show', well.id])))
  t.notRegex((await run(t, ['tasks', 'show', well.id, '--queue', url])).stdout, /did not end well/)
})

test('a task that runs is asked to stop in its own process', async (t) => {
  const url = await databases.create(t)
  const queue = await worker(t, url)
  const task = newTask()
  await queue.add(task)
  await queue.run(t, task)
  const cancelled = await run(t, ['tasks', 'cancel', task.id, '--queue', url])
  t.is(cancelled.stdout, '1 task cancelled, 1 of them asked to stop\n')
  await queue.until(() => queue.told.cancel.length > 0)
  t.deepEqual(queue.told.cancel[0], { id: task.id, attempt: 1 })
})

test('pools are shown for all processes together, paused, resumed and resized', async (t) => {
  const url = await databases.create(t)
  const queue = await worker(t, url)
  const [task, other] = [newTask(), newTask()]
  await queue.add(task)
  await queue.run(t, task)
  await queue.engine.counters()
  const shown = await run(t, ['pools', '--queue', url])
  t.is(shown.stdout, 'cpu\topen\t1\t\t\t\t1\nmail\topen\t0\t\t\t\t1\n')
  t.is((await run(t, ['pools', 'pause', 'cpu', '--queue', url])).stdout, 'cpu\tpaused\t1\t\t\t\t1\n')
  // Whoever has not heard of it yet hears of it now.
  while (!queue.engine.paused().has('cpu')) await queue.engine.counters()
  await queue.add(other)
  t.deepEqual(await queue.claim(), [])
  t.like(await json(t, url, ['pools', 'resume', 'cpu']), { name: 'cpu', paused: false })
  t.is((await queue.next()).id, other.id)
  t.like(await json(t, url, ['pools', 'resize', 'mail', '--max-threads', '3']), {
    maxThreads: 3,
    minThreads: null,
  })
  const unknown = await run(t, ['pools', 'pause', 'mial', '--queue', url])
  t.is(unknown.code, 1)
  t.regex(unknown.stderr, /There is no pool mial, did you mean "mail"\?/)
})

test('whoever only looks is none of the processes that share the queue, and makes no queue where there is none', async (t) => {
  const url = await databases.create(t)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  const looked = await run(t, ['tasks', 'stats', '--queue', url])
  t.is(looked.code, 0)
  const { rows } = await client.query('SELECT last_value, is_called FROM afterwork.processes_id_seq')
  await run(t, ['tasks', 'cancel', newTask().id, '--queue', url])
  t.deepEqual((await client.query('SELECT last_value, is_called FROM afterwork.processes_id_seq')).rows, rows)
  const elsewhere = new URL(url)
  elsewhere.searchParams.set('schema', 'shop')
  const nothing = await run(t, ['tasks', 'stats', '--queue', elsewhere.href])
  t.deepEqual([nothing.code, nothing.stdout], [1, ''])
  t.regex(nothing.stderr, /^afterwork: There is no queue in the schema shop of this database[^\n]*\n$/)
  const schemas = await client.query(`SELECT FROM pg_namespace WHERE nspname LIKE 'shop%'`)
  t.is(schemas.rows.length, 0)
  await client.query('UPDATE afterwork.version SET version = version + 1')
  const newer = await run(t, ['tasks', 'stats', '--queue', url])
  t.regex(newer.stderr, /^afterwork: The schema afterwork is of a newer version of afterwork [^\n]*\n$/)
})

test('a service of this machine is asked, unless the database is named by hand; one that died is not', async (t) => {
  const url = await databases.create(t)
  const line = await serveCommand(t, [], { AFTERWORK_QUEUE: url, AFTERWORK_TOKEN: 'a-token' })
  const address = await line.listening()
  const here = async (args: string[], env: NodeJS.ProcessEnv = {}): Promise<any> => {
    const ended = await (
      await command(t, [...args, '--json'], { AFTERWORK_TOKEN: 'a-token', ...env }, line.folder)
    ).ended
    return JSON.parse(ended.stdout || '{}')
  }
  t.is((await here(['top'], { AFTERWORK_QUEUE: url })).source, address)
  t.regex((await here(['top', '--queue', url])).source, /^postgres:/)
  line.child.kill('SIGKILL')
  await line.ended
  t.regex((await here(['top'], { AFTERWORK_QUEUE: url })).source, /^postgres:/)
})

test('a token goes to nobody who only has the address of a service that died', async (t) => {
  const url = await databases.create(t)
  let asked = 0
  const server = createServer((_, response) => {
    asked++
    response.end('{}')
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'data'))
  const { port } = server.address() as AddressInfo
  const said = { pid: process.pid, host: hostname(), url: `http://127.0.0.1:${port}` }
  await writeFile(join(folder, 'data', 'service.json'), JSON.stringify(said))
  const env = { AFTERWORK_QUEUE: url, AFTERWORK_TOKEN: 'a-token' }
  const { code } = await (await command(t, ['tasks', 'stats'], env, folder)).ended
  t.deepEqual([code, asked], [0, 0])
})

test('recovery is for files: a database is told of in one line, without its password', async (t) => {
  const queue = 'postgres://me:hunter2@127.0.0.1:1/shop'
  const { code, stdout, stderr } = await run(t, ['tasks', 'recover', '--queue', queue])
  t.deepEqual([code, stdout], [1, ''])
  t.regex(stderr, /^afterwork: tasks recover mends the file of an sqlite: queue; [^\n]*PostgreSQL\n$/)
  t.notRegex(stderr, /hunter2/)
})
