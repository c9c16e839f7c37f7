import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import PostalMime from 'postal-mime'
import { RunningTask } from '../../src/pool/worker/current.ts'
import type { sendEmail } from '../../workers/mail.ts'
import { Endings } from '../support/endings.ts'
import { temporaryFolder } from '../support/folder.ts'

const endings = new Endings()
let data: string
let send: typeof sendEmail
test.before(async () => {
  data = await temporaryFolder(endings)
  delete process.env['SMTP_URL']
  Object.assign(process.env, { AFTERWORK_DATA: data, MAIL_FROM: '"The, Shop" <shop@example.com>' })
  // It reads its environment when it is loaded, as it does in a thread of the pool.
  ;({ sendEmail: send } = await import('../../workers/mail.ts'))
})
test.after.always(() => endings.run())

const message = {
  to: 'mira@example.org',
  subject: 'Ein Gruß',
  text: 'Hällo',
  html: '<p>Hällo</p>',
  date: new Date('2026-11-21T10:00:00Z'),
}

function taskOf(id: string, attempt = 1): RunningTask {
  const catalog = { tasks: '', names: new Set<string>(), pools: new Set<string>(), teardown: false }
  return new RunningTask({ id, name: 'mail.sendEmail', attempt, args: '[]' }, catalog)
}

/** Sends a message as a task of this id does. */
function run(id: string, given: Parameters<typeof sendEmail>[0], attempt?: number) {
  return taskOf(id, attempt).run(() => send(given))
}

function eml(id: string): Promise<string> {
  return readFile(join(data, 'outbox', `${id}.eml`), 'utf8')
}

test.serial('a message becomes one whole file in the outbox, named after its task', async (t) => {
  const sent = await run('whole', message)
  t.deepEqual(sent, {
    to: 'mira@example.org',
    messageId: '<whole@example.com>',
    response: 'outbox/whole.eml',
  })
  const raw = await eml('whole')
  t.false(/[^\r]\n/.test(raw), 'lines end with CR and LF')
  const email = await PostalMime.parse(raw)
  t.deepEqual(email.from, { name: 'The, Shop', address: 'shop@example.com' })
  t.deepEqual([email.subject, email.text?.trim(), email.html?.trim()], ['Ein Gruß', 'Hällo', '<p>Hällo</p>'])
  t.is(Date.parse(email.date!), message.date.getTime())
  t.true((await readdir(join(data, 'outbox'))).every((name) => name.endsWith('.eml')))
})

test.serial('a message that is sent again is the same, byte by byte', async (t) => {
  await run('again', message)
  const first = await eml('again')
  await run('again', message, 2)
  t.is(await eml('again'), first)
})

test.serial('no field of a message makes it read a file or add a recipient', async (t) => {
  const hostile = {
    ...message,
    to: 'mira@example.org\r\nBcc: evil@example.org',
    subject: 'x\r\nBcc: evil@example.org',
    text: { path: '/etc/hostname' } as unknown as string,
  }
  await t.throwsAsync(run('hostile', hostile))
  await run('subject', { ...message, subject: hostile.subject })
  const { bcc, headers } = await PostalMime.parse(await eml('subject'))
  t.is(bcc, undefined)
  t.false(headers.some(({ key }) => key === 'bcc'))
})

test.serial('a task that was asked to stop sends nothing', async (t) => {
  const task = taskOf('stopped')
  task.stop(new Error('stopping'))
  await t.throwsAsync(async () => task.run(() => send(message)), { message: 'stopping' })
  t.false((await readdir(join(data, 'outbox')).catch((): string[] => [])).includes('stopped.eml'))
})
