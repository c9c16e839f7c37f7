import test from 'ava'
import { queueAtRest } from '../cli/queue-at-rest.ts'
import { post } from '../support/http.ts'
import { command, serveCommand } from '../support/process.ts'
import { startMailbox } from '../support/smtp.ts'
import { terminal } from '../support/terminal.ts'

// The command line in a pseudo-terminal, which python3 makes.

test('a terminal is shown tables that fit it', async (t) => {
  const { folder, failed } = await queueAtRest(t)
  const shown = terminal(t, ['tasks', 'list', '--limit', '3'], folder)
  t.is(await shown.ended, 0)
  const lines = shown.shown.trimEnd().split('\r\n')
  t.regex(lines[0]!, /^ID +NAME +STATE +ATTEMPT +ADDED +TOOK +DETAIL$/)
  for (const line of lines.slice(0, 4)) t.true(line.length <= 100, line)
  t.regex(lines.at(-1)!, new RegExp(`more with --cursor ${failed.at(-1)!.slice(0, 8)}|more with --cursor`))
})

test('at a terminal a filter is carried out after a yes only', async (t) => {
  const { folder } = await queueAtRest(t)
  for (const no of ['n\r', '\r', '\x03', '\x04', 'yeah\r']) {
    const asked = terminal(t, ['tasks', 'retry', '--state', 'failed'], folder)
    await asked.shows(/retry 5 failed tasks of data\/queue\.db\? \[y\/N\] /)
    asked.type(no)
    t.is(await asked.ended, 1, JSON.stringify(no))
    t.regex(asked.shown, /nothing was changed/)
  }
  const asked = terminal(t, ['tasks', 'retry', '--state', 'failed'], folder)
  await asked.shows(/\[y\/N\] /)
  asked.type('y\r')
  await asked.shows(/5 tasks retried/)
  t.is(await asked.ended, 0)
})

test('top draws until q, and gives the terminal back as it was', async (t) => {
  const mailbox = await startMailbox(t)
  const line = await serveCommand(t, [], { SMTP_URL: mailbox.url() })
  const url = await line.listening()
  const shown = terminal(t, ['top'], line.folder)
  await shown.shows(/\[\?1049h.\[\?25l/)
  await shown.shows(/queued 0 .*running 0/)
  await post(`${url}/send-email`, { to: 'slow@example.org', subject: 'A', text: 'B' })
  await shown.shows(/mail\.sendEmail/)
  await shown.shows(/added, .* ended a second/)
  await shown.shows(/mail {2}\[##/)
  const before = shown.shown.length
  shown.resize(10, 50)
  await shown.shows(/running 1\s*…?/, before)
  shown.type('q')
  t.is(await shown.ended, 0)
  t.true(shown.shown.endsWith('\x1b[?25h\x1b[?1049l'))
})

test('Ctrl-C leaves top, also while a service hangs', async (t) => {
  const line = await serveCommand(t)
  await line.listening()
  const shown = terminal(t, ['top'], line.folder)
  await shown.shows(/queued 0/)
  line.child.kill('SIGSTOP')
  const from = shown.shown.length
  await shown.shows(/queued 0/, from)
  shown.type('\x03')
  t.is(await shown.ended, 0)
  t.true(shown.shown.endsWith('\x1b[?1049l'))
  line.child.kill('SIGCONT')
})

test('a service that is killed while top looks leaves its file, and one that starts is found', async (t) => {
  const line = await serveCommand(t)
  const url = await line.listening()
  const shown = terminal(t, ['top'], line.folder)
  await shown.shows(new RegExp(url))
  line.child.kill('SIGKILL')
  await line.ended
  await shown.shows(/no service runs: this is what the file says/)
  const next = await command(t, ['serve', '--port', '0'], {}, line.folder)
  const address = await next.listening()
  await shown.shows(new RegExp(address))
  shown.type('q')
  t.is(await shown.ended, 0)
})

test('top at an address where nobody answers says so until somebody does', async (t) => {
  const { folder } = await queueAtRest(t)
  const shown = terminal(t, ['top', '--url', 'http://127.0.0.1:1'], folder)
  await shown.shows(/No service answers at http:\/\/127\.0\.0\.1:1/)
  shown.type('q')
  t.is(await shown.ended, 0)
})
