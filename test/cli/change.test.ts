import test, { type ExecutionContext } from 'ava'
import { SqliteQueue } from '../../src/queue/sqlite/engine.ts'
import { newTask } from '../queue/conformance/subject.ts'
import { post, send } from '../support/http.ts'
import { command, serveCommand, type Ended } from '../support/process.ts'
import { queueAtRest } from './queue-at-rest.ts'

async function run(t: ExecutionContext, folder: string, args: string[]): Promise<Ended> {
  return await (
    await command(t, ['tasks', ...args], {}, folder)
  ).ended
}

async function counts(t: ExecutionContext, folder: string): Promise<Record<string, number>> {
  const { stdout } = await run(t, folder, ['stats', '--json'])
  return (JSON.parse(stdout) as { counts: Record<string, number> }).counts
}

test('tasks are retried, cancelled and purged in the file when no service runs', async (t) => {
  const { folder, failed, queued, succeeded } = await queueAtRest(t)
  const retried = await run(t, folder, ['retry', failed[0]!, failed[1]!])
  t.deepEqual([retried.code, retried.stdout, retried.stderr], [0, '2 tasks retried\n', ''])
  const cancelled = await run(t, folder, ['cancel', queued])
  t.deepEqual([cancelled.code, cancelled.stdout], [0, '1 task cancelled\n'])
  const purged = await run(t, folder, ['purge', succeeded, '--json'])
  t.deepEqual(JSON.parse(purged.stdout), { action: 'purge', done: 1, failed: [] })
  t.like(await counts(t, folder), { queued: 2, scheduled: 1, succeeded: 0, failed: 3, cancelled: 1 })
})

test('what could not be done is told one by one, and is code 1', async (t) => {
  const { folder, failed, queued } = await queueAtRest(t)
  const stranger = newTask().id
  const { code, stdout, stderr } = await run(t, folder, ['retry', failed[0]!, queued, stranger])
  t.deepEqual([code, stdout], [1, '1 task retried\n'])
  t.regex(stderr, /^afterwork: 2 tasks not retried\n/)
  t.regex(stderr, new RegExp(`\n${queued}\tAFTERWORK_CONFLICT\t[^\n]*it is queued[^\n]*\n`))
  t.regex(stderr, new RegExp(`\n${stranger}\tAFTERWORK_TASK_NOT_FOUND\t`))
  const again = await run(t, folder, ['retry', failed[0]!, failed[1]!, '--json'])
  t.is(again.code, 1)
  t.like(JSON.parse(again.stdout), { done: 1, failed: [{ id: failed[0], code: 'AFTERWORK_CONFLICT' }] })
})

test('a filter changes all that it finds and nothing else', async (t) => {
  const { folder } = await queueAtRest(t)
  const none = await run(t, folder, ['purge', '--before', '1h', '--yes'])
  t.deepEqual([none.code, none.stdout], [0, '0 tasks purged\n'])
  const mails = await run(t, folder, ['retry', '--name', 'mail.sendEmail', '--yes'])
  t.deepEqual([mails.code, mails.stdout], [0, '3 tasks retried\n'])
  const waiting = await run(t, folder, ['cancel', '--state', 'queued', '--name', 'mail.sendEmail', '--yes'])
  t.is(waiting.stdout, '3 tasks cancelled\n')
  const rest = await run(t, folder, ['purge', '--before', '2100-01-01', '--yes'])
  t.is(rest.stdout, '6 tasks purged\n')
  t.deepEqual(await counts(t, folder), {
    queued: 1,
    scheduled: 1,
    running: 0,
    succeeded: 0,
    failed: 0,
    cancelled: 0,
  })
})

test('where nobody can be asked a filter wants --yes, and nothing is changed', async (t) => {
  const { folder } = await queueAtRest(t)
  const { code, stdout, stderr } = await run(t, folder, ['retry', '--state', 'failed'])
  t.deepEqual([code, stdout], [2, ''])
  t.regex(stderr, /^afterwork: retry 5 failed tasks of data\/queue\.db\? There is no terminal [^\n]*--yes\n$/)
  t.is((await counts(t, folder))['failed'], 5)
})

test('thousands of tasks are changed in the file at once', async (t) => {
  const { folder, file } = await queueAtRest(t)
  const engine = new SqliteQueue(file, { maxTasks: 1e6, maxBytes: 1e9 }, { tasks: 1e5 })
  await engine.open()
  const many = Array.from({ length: 2_000 }, () => newTask({ name: 'files.many' }))
  await engine.add(many, { held: false })
  await engine.close()
  const { stdout } = await run(t, folder, ['cancel', '--name', 'files.many', '--yes'])
  t.is(stdout, '2,000 tasks cancelled\n')
  t.like(await counts(t, folder), { queued: 1, cancelled: 2_000 })
})

test('a running service does it itself: what is retried runs at once', async (t) => {
  const line = await serveCommand(t, [], { SMTP_URL: 'smtp://127.0.0.1:1' })
  const url = await line.listening()
  const mail = { to: ['a@example.org', 'b@example.org'], subject: 'A', text: 'B', delay: '1h' }
  const { tasks } = (await post(`${url}/send-email`, mail)).json as { tasks: { id: string }[] }
  t.is(tasks.length, 2)
  const cancelled = await run(t, line.folder, ['cancel', '--name', 'mail.sendEmail', '--yes'])
  t.deepEqual([cancelled.code, cancelled.stdout], [0, '2 tasks cancelled\n'])
  await line.says(/"msg":"task cancelled"/)
  const retried = await run(t, line.folder, ['retry', tasks[0]!.id])
  t.deepEqual([retried.code, retried.stdout], [0, '1 task retried\n'])
  await line.says(/"msg":"task started"/)
  const purged = await run(t, line.folder, ['purge', '--state', 'cancelled', '--yes'])
  t.is(purged.stdout, '1 task purged\n')
  t.is((await send(`${url}/tasks/${tasks[1]!.id}`)).status, 404)
  const conflict = await run(t, line.folder, ['purge', tasks[0]!.id, tasks[1]!.id, '--json'])
  t.is(conflict.code, 1)
  t.like(JSON.parse(conflict.stdout), {
    failed: [{ code: 'AFTERWORK_CONFLICT' }, { code: 'AFTERWORK_TASK_NOT_FOUND' }],
  })
})
