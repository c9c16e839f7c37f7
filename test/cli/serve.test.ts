import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { temporaryFolder } from '../support/folder.ts'
import { isClosed, post, send } from '../support/http.ts'
import { fileForm } from '../support/multipart.ts'
import { command, serveCommand } from '../support/process.ts'
import { startMailbox } from '../support/smtp.ts'

const mail = (to: string) => ({ to, subject: 'A subject', text: 'A text' })

/** The lines of a log in JSON. */
function linesOf(stdout: string): { msg: string; [key: string]: unknown }[] {
  return stdout.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
}

test('serve says where it listens, works in its data folder, and logs what its tasks do', async (t) => {
  const line = await serveCommand(t)
  const url = await line.listening()
  t.regex(url, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.is(line.stdout.split('\n').filter((text) => text.includes('listening on')).length, 1)

  const uploaded = await send(`${url}/upload-file`, fileForm('content'))
  t.is(uploaded.status, 202)
  const [task] = uploaded.json.tasks
  await line.says(/"msg":"task completed"/)
  t.is((await send(url + task.href)).json.state, 'succeeded')
  t.deepEqual(await readdir(join(line.folder, 'data', 'files')), [uploaded.json.files[0].id])

  line.child.kill('SIGTERM')
  const { code, stdout, stderr } = await line.ended
  t.deepEqual([code, stderr], [0, ''])
  const told = linesOf(stdout).filter(({ id }) => id === task.id)
  t.deepEqual(
    told.map(({ msg }) => msg),
    ['task started', 'file processed', 'task completed'],
  )
})

test('a flag wins over a variable, and a variable over the file', async (t) => {
  const folder = await temporaryFolder(t)
  const config = { port: 0, data: 'from-file', maxUpload: '1KB', logLevel: 'silent', poolMax: 3 }
  await writeFile(join(folder, 'afterwork.config.json'), JSON.stringify(config))
  const env = { AFTERWORK_DATA: 'from-env', AFTERWORK_MAX_UPLOAD: '2KB' }
  const line = await command(t, ['serve', '--data', 'from-flag'], env, folder)
  const url = await line.listening()
  t.deepEqual((await readdir(folder)).sort(), ['afterwork.config.json', 'from-flag'])
  t.is((await send(`${url}/upload-file`, fileForm('x'.repeat(1_500)))).status, 202)
  t.is((await send(`${url}/upload-file`, fileForm('x'.repeat(2_500)))).status, 413)
  t.is((await send(`${url}/pools`)).json.pools[0].maxThreads, 3)
})

test('a token of the environment guards a host that others can reach', async (t) => {
  const line = await serveCommand(t, ['--host', '0.0.0.0'], { AFTERWORK_TOKEN: 'a-token' })
  const url = (await line.listening()).replace('0.0.0.0', '127.0.0.1')
  t.is((await send(`${url}/pools`)).status, 401)
  t.is((await send(`${url}/pools`, { headers: { Authorization: 'Bearer a-token' } })).status, 200)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} lets the running task end, takes no more requests, and ends with code 0`, async (t) => {
    const mailbox = await startMailbox(t)
    const line = await serveCommand(t, ['--drain', '30s'], { SMTP_URL: mailbox.url() })
    const url = await line.listening()
    t.is((await post(`${url}/send-email`, mail('slow@example.org'))).status, 202)
    await mailbox.askedFor('slow@example.org')

    line.child.kill(signal)
    await line.says(/"msg":"stopping/)
    t.true(await isClosed(url))
    t.is(line.child.exitCode, null)
    await mailbox.takeSlow('slow@example.org')
    const { code, signal: by, stdout, stderr } = await line.ended
    t.deepEqual([code, by, stderr], [0, null, ''])
    const messages = linesOf(stdout).map(({ msg }) => msg)
    t.deepEqual(messages.slice(-2), ['task completed', 'stopped'])
    t.is(mailbox.received.length, 1)
  })
}

test('a task that runs longer than the drain is interrupted, and the process ends all the same', async (t) => {
  const mailbox = await startMailbox(t)
  const line = await serveCommand(t, ['--drain', '50ms'], { SMTP_URL: mailbox.url() })
  const url = await line.listening()
  await post(`${url}/send-email`, mail('slow@example.org'))
  await mailbox.askedFor('slow@example.org')
  line.child.kill('SIGTERM')
  const { code, stdout } = await line.ended
  t.is(code, 0)
  const messages = linesOf(stdout).map(({ msg }) => msg)
  t.true(messages.includes('task interrupted, queued again'))
  t.true(messages.some((message) => message.startsWith('tasks that had not ended')))
  t.is(messages.at(-1), 'stopped')
})

test('a second signal ends the process at once', async (t) => {
  const mailbox = await startMailbox(t)
  const line = await serveCommand(t, ['--drain', '1h'], { SMTP_URL: mailbox.url() })
  const url = await line.listening()
  await post(`${url}/send-email`, mail('slow@example.org'))
  await mailbox.askedFor('slow@example.org')
  line.child.kill('SIGTERM')
  await line.says(/"msg":"stopping/)
  line.child.kill('SIGINT')
  const { code, stdout } = await line.ended
  t.is(code, 130)
  t.false(stdout.includes('"msg":"stopped"'))
})

test('no secret of the configuration reaches the log or a task', async (t) => {
  const mailbox = await startMailbox(t)
  const env = { SMTP_URL: mailbox.url('user:pass%20word@'), AFTERWORK_TOKEN: 'the-secret-token' }
  const line = await serveCommand(t, ['--log-level', 'trace'], env)
  const url = await line.listening()
  const bearer = { Authorization: 'Bearer the-secret-token' }
  const { json } = await post(`${url}/send-email`, mail('unknown@example.org'), bearer)
  await line.says(/"msg":"task failed"/)
  const task = await send(url + json.tasks[0].href, { headers: bearer })
  t.is(task.json.state, 'failed')
  line.child.kill('SIGTERM')
  const { stdout, stderr } = await line.ended
  for (const secret of ['pass%20word', 'pass word', 'the-secret-token']) {
    t.false((stdout + stderr + task.text).includes(secret))
  }
})

test('a data folder that is there already is used as it is', async (t) => {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'data'))
  await writeFile(join(folder, 'data', 'notifications.log'), 'an earlier line\n')
  const line = await command(t, ['serve', '--port', '0', '--log-level', 'info'], {}, folder)
  const url = await line.listening()
  await send(`${url}/send-notification/a@example.org`, { method: 'POST' })
  await line.says(/"msg":"task completed"/)
  const log = await readFile(join(folder, 'data', 'notifications.log'), 'utf8')
  t.is(log, 'an earlier line\nmessage to a@example.org\n')
})
