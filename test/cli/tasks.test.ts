import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { SqliteQueue } from '../../src/queue/sqlite/engine.ts'
import { newTask } from '../queue/conformance/subject.ts'
import { post, send } from '../support/http.ts'
import { command, main, serveCommand, type Ended } from '../support/process.ts'
import { queueAtRest } from './queue-at-rest.ts'

async function run(
  t: ExecutionContext,
  folder: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  return await (
    await command(t, ['tasks', ...args], env, folder)
  ).ended
}

async function json(t: ExecutionContext, folder: string, args: string[]): Promise<any> {
  const { code, stdout, stderr } = await run(t, folder, [...args, '--json'])
  t.deepEqual([code, stderr], [0, ''])
  return JSON.parse(stdout)
}

test('the tasks of a running service are listed, shown and counted', async (t) => {
  const line = await serveCommand(t)
  const url = await line.listening()
  const { tasks } = (await post(`${url}/send-notification/a@example.org?message=hello`, {})).json
  await line.says(/"msg":"task completed"/)
  const { id } = tasks[0]

  const listed = await run(t, line.folder, ['list'])
  t.deepEqual([listed.code, listed.stderr], [0, ''])
  t.regex(
    listed.stdout,
    new RegExp(`^${id}\tnotifications\\.write\tsucceeded\t\\d+\t\\d{4}-[^\t]+Z\t[\\d.]+m?s\t\n$`),
  )
  const expected = (await send(`${url}/tasks`)).json
  t.deepEqual(await json(t, line.folder, ['list']), expected)
  t.deepEqual(await json(t, line.folder, ['stats']), (await send(`${url}/tasks/stats`)).json)
  t.like(await json(t, line.folder, ['show', id]), {
    id,
    state: 'succeeded',
    arguments: ['notification for a@example.org: hello'],
    pool: 'cpu',
  })
  t.false((await readdir(join(line.folder, 'data'))).includes('queue.db-journal'))
})

test('when no service runs the file tells the same, and nothing of it is changed', async (t) => {
  const { folder, failed, queued, scheduled } = await queueAtRest(t)
  const { tasks, next } = await json(t, folder, ['list'])
  t.is(next, null)
  t.is(tasks.length, 8)
  t.deepEqual([tasks[0].id, tasks[1].id], [scheduled, queued])
  t.like(await json(t, folder, ['stats']), {
    counts: { queued: 1, scheduled: 1, running: 0, succeeded: 1, failed: 5, cancelled: 0 },
  })
  const shown = await json(t, folder, ['show', failed[0]!])
  t.deepEqual(shown.arguments, [{ to: 'a@example.org', password: '[redacted]' }])
  t.like(shown, { priority: 2, error: { name: 'RangeError', fields: { responseCode: 550 } } })
  t.regex(shown.error.stack, /queue-at-rest\.ts:\d+/)
  t.is((await json(t, folder, ['show', failed[0]!, queued])).length, 2)
  t.deepEqual(await json(t, folder, ['stats']), await json(t, folder, ['stats']))
})

test('a list is filtered, and goes on where a page ends', async (t) => {
  const { folder, failed } = await queueAtRest(t)
  const mails = ['list', '--state', 'failed', '--name', 'mail.sendEmail']
  const first = await json(t, folder, [...mails, '--limit', '2'])
  t.deepEqual(
    first.tasks.map(({ id }: { id: string }) => id),
    [failed[2], failed[1]],
  )
  const second = await json(t, folder, [...mails, '--cursor', first.next])
  t.deepEqual(
    second.tasks.map(({ id }: { id: string }) => id),
    [failed[0]],
  )
  t.is(second.next, null)
  t.deepEqual(await json(t, folder, ['list', '--state', 'cancelled', '--all']), { tasks: [], next: null })
})

test('--all lists as many tasks as there are, page by page, and ends quietly with its reader', async (t) => {
  const { folder, file } = await queueAtRest(t)
  const engine = new SqliteQueue(file, { maxTasks: 1e6, maxBytes: 1e9 }, { tasks: 1e5 })
  await engine.open()
  await engine.add(
    Array.from({ length: 3_000 }, () => newTask()),
    { held: false },
  )
  await engine.close()
  const { tasks, next } = await json(t, folder, ['list', '--all'])
  t.deepEqual([tasks.length, next], [3_008, null])
  t.is(new Set(tasks.map(({ id }: { id: string }) => id)).size, 3_008)
  const { stdout } = await run(t, folder, ['list', '--all'])
  t.is(stdout.split('\n').length, 3_009)

  const afterwork = [process.execPath, '--conditions=afterwork-source', main, 'tasks', 'list', '--all']
  const quoted = afterwork.map((word) => `'${word}'`).join(' ')
  const shell = spawn('sh', ['-c', `(${quoted}; echo code $? >&2) | head -n 1`], { cwd: folder })
  let [out, err] = ['', '']
  shell.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  shell.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  await once(shell, 'close')
  t.is(out.split('\n').length, 2)
  t.is(err, 'code 0\n')
})

test('nothing that a task says can steer the terminal', async (t) => {
  const { folder, failed } = await queueAtRest(t)
  for (const args of [
    ['list'],
    ['show', failed[0]!],
    ['list', '--json'],
    ['retry', failed[0]!, failed[0]!],
  ]) {
    const { stdout, stderr } = await run(t, folder, args)
    t.notRegex((stdout + stderr).replaceAll(/[\n\t]/g, ''), /[\p{Cc}\p{Cf}]/u, args.join(' '))
  }
})

test('what is asked wrongly is refused with code 2, before anybody is asked', async (t) => {
  const { folder } = await queueAtRest(t)
  const refused: [string[], RegExp][] = [
    [['list', '--stat', 'failed'], /got "--stat", did you mean "state"\?/],
    [['list', '--state', 'broken'], /--state: Expected one of queued, .*, got "broken"/],
    [['list', '--limit', '201'], /--limit: Expected a whole number from 1 to 200, got "201"/],
    [['list', '--limit', '5', '--all'], /--all: Expected no --limit/],
    [['list', '--cursor', 'x'], /--cursor: Expected the `next`/],
    [['list', '--json=yes'], /--json: Expected no value/],
    [['list', 'failed'], /Expected flags only, got "failed"/],
    [['show'], /Expected the id of a task/],
    [['show', '1 OR 1=1'], /ID: Expected the id of a task, got "1 OR 1=1"/],
    [['shwo'], /got "shwo", did you mean "show"\?/],
    [['retry'], /Expected ids, or a filter/],
    [['retry', '--state', 'queued'], /--state: Expected one of failed, cancelled/],
    [['purge', '--state', 'running'], /--state: Expected one of succeeded, failed, cancelled/],
    [['cancel', '--before', 'yesterday'], /--before: Expected a time ago/],
    [['list', '--url', 'ftp://x'], /--url: Expected the URL of a service/],
    [['list', '--queue', 'redis://x'], /queue: Expected 'memory:', 'sqlite:'/],
  ]
  await Promise.all(
    refused.map(async ([args, line]) => {
      const { code, stdout, stderr } = await run(t, folder, args)
      t.regex(stderr, /^afterwork: [^\n]+\n$/)
      t.regex(stderr, line)
      t.deepEqual([code, stdout], [2, ''], args.join(' '))
    }),
  )
})

test('an id that nobody knows, and a queue that is not there, are errors of one line', async (t) => {
  const { folder } = await queueAtRest(t)
  const id = newTask().id
  const unknown = await run(t, folder, ['show', id])
  t.deepEqual([unknown.code, unknown.stdout, unknown.stderr], [1, '', `afterwork: There is no task ${id}\n`])
  const missing = await run(t, folder, ['list', '--data', 'elsewhere'])
  t.deepEqual([missing.code, missing.stdout], [1, ''])
  t.regex(missing.stderr, /^afterwork: There is no queue at elsewhere\/queue\.db[^\n]*\n$/)
  const memory = await run(t, folder, ['list', '--queue', 'memory:'])
  t.is(memory.code, 1)
  t.regex(memory.stderr, /^afterwork: No service of \.\/data runs here, and memory: [^\n]*\n$/)
})

test('every command tells its usage', async (t) => {
  for (const args of [['list', '--help'], ['--help'], ['purge', '-h']]) {
    const { code, stdout } = await run(t, '/', args)
    t.is(code, 0)
    t.regex(stdout, /afterwork tasks list \[filter\]/)
  }
})
