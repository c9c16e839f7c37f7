import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { withoutPassword } from '../../src/core/queue-url.ts'
import { startAfterwork } from '../support/app.ts'
import { Endings } from '../support/endings.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startGate } from '../support/gate.ts'
import { send } from '../support/http.ts'
import { freePort } from '../support/port.ts'
import { command, type CommandLine } from '../support/process.ts'
import { queueDatabases, type QueueDatabases } from '../support/queue-database.ts'
import { tasks } from '../support/tasks.ts'

const { steps } = tasks
const tasksFile = fileURLToPath(new URL('../support/tasks.ts', import.meta.url))
const small = ['--pool-max', '1']

const endings = new Endings()
let databases: QueueDatabases
test.before(async (t) => {
  t.timeout(120_000)
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

/** Who adds tasks of the tests' file and runs none of them, in this process. */
async function adder(t: ExecutionContext) {
  const queue = await databases.create(t)
  return { queue, ...(await startAfterwork(t, { queue, work: false })) }
}

/** A worker that is ready. */
async function work(
  t: ExecutionContext,
  queue: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  folder?: string,
): Promise<CommandLine> {
  const line = await command(t, ['work', ...small, ...args], { AFTERWORK_QUEUE: queue, ...env }, folder)
  await line.says(/working on/)
  return line
}

test('what one process takes another runs, and both stop when they are told', async (t) => {
  const queue = await databases.create(t)
  const folder = await temporaryFolder(t)
  const env = { AFTERWORK_QUEUE: queue }
  const service = await command(t, ['serve', '--no-work', '--port', '0'], env, folder)
  const url = await service.listening()
  t.deepEqual((await send(`${url}/readyz`)).json, { status: 'ok' })
  t.regex((await send(`${url}/metrics`)).text, /^afterwork_queue_depth/m)
  const { status, json } = await send(`${url}/send-notification/a@example.org?message=hello`, {
    method: 'POST',
  })
  t.is(status, 202)
  const worker = await work(t, queue, [], {}, folder)
  await worker.says(/"msg":"task completed"/)
  t.is((await send(url + json.tasks[0].href)).json.state, 'succeeded')
  t.is(
    await readFile(join(folder, 'data', 'notifications.log'), 'utf8'),
    'notification for a@example.org: hello\n',
  )
  t.notRegex(service.stdout, /task started/)
  const listed = await (await command(t, ['tasks', 'list', '--json'], env, folder)).ended
  t.like(JSON.parse(listed.stdout), { tasks: [{ state: 'succeeded' }] })
  for (const line of [worker, service]) {
    line.child.kill('SIGTERM')
    const { code, stdout, stderr } = await line.ended
    t.deepEqual([code, stderr], [0, ''])
    t.regex(stdout, /"msg":"stopped"\}\n$/)
  }
  const asked = await (await command(t, ['tasks', 'list', '--json'], env, folder)).ended
  t.like(JSON.parse(asked.stdout), { tasks: [{ state: 'succeeded' }] }, 'the database itself')
})

test("a worker of an app's tasks says in one line what it works on, and without a password where", async (t) => {
  const { queue, afterwork } = await adder(t)
  const { password } = new URL(queue)
  const worker = await work(t, queue, ['--tasks', tasksFile, '--log-level', 'trace'])
  const ready = worker.stdout.split('\n').filter((line) => !line.startsWith('{') && line !== '')
  t.deepEqual(ready, [`afterwork ${worker.child.pid} working on cpu of ${withoutPassword(queue)}`])
  const { id } = await afterwork.addTask(steps.echo, 'there')
  await worker.says(/"msg":"task completed"/)
  t.like(await afterwork.records.get(id), { state: 'succeeded', result: '["there"]' })
  worker.child.kill('SIGTERM')
  const { stdout, stderr } = await worker.ended
  for (const text of [password, decodeURIComponent(password)]) t.false((stdout + stderr).includes(text))
})

test('a worker leaves the pools that it was not told to work on to others', async (t) => {
  const { queue, afterwork } = await adder(t)
  const mails = await work(t, queue, ['--tasks', tasksFile, '--pools', 'mail'])
  const forOthers = await afterwork.addTask(steps.echo, 'cpu')
  const own = await afterwork.addTask(steps.echo.with({ pool: 'mail' }), 'mail')
  await mails.says(/"msg":"task completed"/)
  t.like(await afterwork.records.get(own.id), { state: 'succeeded' })
  t.like(await afterwork.records.get(forOthers.id), { state: 'queued', attempt: 0 })
  const rest = await work(t, queue, ['--tasks', tasksFile], { AFTERWORK_POOLS: 'cpu' })
  await rest.says(/"msg":"task completed"/)
  t.like(await afterwork.records.get(forOthers.id), { state: 'succeeded' })
  t.false(mails.stdout.includes(forOthers.id))
})

test('SIGTERM lets what runs end, and a second signal does not wait for it', async (t) => {
  const { queue, afterwork } = await adder(t)
  const gate = await startGate(t)
  const first = await work(t, queue, ['--tasks', tasksFile, '--drain', '1h'])
  const { id } = await afterwork.addTask(steps.pass, gate.url('first'))
  await gate.arrival('first')
  first.child.kill('SIGTERM')
  await first.says(/"msg":"stopping/)
  await gate.pass('first')
  const { code, stderr } = await first.ended
  t.deepEqual([code, stderr], [0, ''])
  t.like(await afterwork.records.get(id), { state: 'succeeded', attempt: 1 })

  const second = await work(t, queue, ['--tasks', tasksFile, '--drain', '1h'])
  await afterwork.addTask(steps.pass, gate.url('second'))
  await gate.arrival('second')
  second.child.kill('SIGTERM')
  await second.says(/"msg":"stopping/)
  second.child.kill('SIGINT')
  t.is((await second.ended).code, 130)
})

test("who works on an app's tasks needs nothing of what the service needs", async (t) => {
  const { queue, afterwork } = await adder(t)
  const env = { NODE_OPTIONS: `--import=${new URL('without-service.ts', import.meta.url).href}` }
  const worker = await work(t, queue, ['--tasks', tasksFile], env)
  const { id } = await afterwork.addTask(steps.echo, 'there')
  await worker.says(/"msg":"task completed"/)
  t.like(await afterwork.records.get(id), { state: 'succeeded' })
  const { code, stderr } = await (await command(t, ['work'], { ...env, AFTERWORK_QUEUE: queue })).ended
  t.is(code, 1)
  t.regex(stderr, /^afterwork: the service needs @koa\/bodyparser, [^\n]*\n$/)
})

for (const [why, args, sentence] of [
  [
    'a pool that nobody names',
    ['--pools', 'mial'],
    /--pools: Expected pools .*cpu, mail.*, got "mial", did you mean "mail"\?/,
  ],
  ['a file that there is not', ['--tasks', 'no-such.ts'], /--tasks: Expected a file, got "no-such\.ts"/],
  [
    'a size of a pool that the service has not',
    ['--pool', 'pdf=1'],
    /--pool: Expected sizes of cpu, mail, http, got "pdf"/,
  ],
] as const) {
  test(`${why} stops the start of a worker with one line`, async (t) => {
    const queue = 'postgres://me:hunter2@127.0.0.1:1/shop'
    const all = args[0] === '--pools' ? ['--tasks', tasksFile, ...args] : args
    const { code, stdout, stderr } = await (await command(t, ['work', '--queue', queue, ...all])).ended
    t.deepEqual([code, stdout], [1, ''])
    t.regex(stderr, /^afterwork: [^\n]+\n$/)
    t.regex(stderr, sentence)
  })
}

test('a database that cannot be reached stops the start with one line, without the password', async (t) => {
  const queue = `postgres://me:hunter2@127.0.0.1:${await freePort()}/shop`
  for (const args of [['work'], ['work', '--tasks', tasksFile], ['serve', '--no-work', '--port', '0']]) {
    const { code, stdout, stderr } = await (await command(t, [...args, '--queue', queue])).ended
    t.is(code, 1)
    t.regex(stderr, /^afterwork: [^\n]+\n$/)
    t.notRegex(stdout + stderr, /hunter2/)
  }
})
