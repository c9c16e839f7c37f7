import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import PostalMime from 'postal-mime'
import type { TaskDocument } from 'afterwork'
import { tasks } from '../../src/service/tasks.ts'
import { post, send } from '../support/http.ts'
import { temporaryFolder } from '../support/folder.ts'
import { serve, type TestService } from '../support/service.ts'
import { certificates, startMailbox, type Mailbox } from '../support/smtp.ts'

const mail = { to: 'mira@example.org', subject: 'A subject', text: 'A text' }

async function ask(service: TestService, to: string | string[] = mail.to): Promise<string[]> {
  const { status, text, json } = await post(`${service.url}/send-email`, { ...mail, to })
  if (status !== 202) throw new Error(text)
  return (json as { tasks: { id: string }[] }).tasks.map(({ id }) => id)
}

async function taskOf(service: TestService, id: string): Promise<TaskDocument> {
  return (await send(`${service.url}/tasks/${id}`)).json as TaskDocument
}

async function readiness(service: TestService): Promise<unknown> {
  const { status, json } = await send(`${service.url}/readyz`)
  return [status, json]
}

/** Whom it has a message for, once for each. */
function recipients({ received }: Mailbox): string[] {
  return received.map(({ to }) => to.join()).toSorted()
}

const degraded = {
  status: 'degraded',
  paused: [
    { pool: 'mail', code: 'EAUTH', message: 'Expected the mail server to accept the login of SMTP_URL' },
  ],
}

test.serial(
  'a wrong password loses no mail: the pool is paused, which /readyz says, and goes on when it is resumed',
  async (t) => {
    let open = false
    const mailbox = await startMailbox(t, {
      refuse: (stage) => (stage === 'auth' && !open ? '535 5.7.8 Wrong password' : undefined),
    })
    const service = await serve(t, [], { SMTP_URL: mailbox.url('user:pass%20word@') })
    t.deepEqual(await readiness(service), [200, { status: 'ok' }])
    const to = Array.from({ length: 30 }, (_, index) => `to${index}@example.org`)
    const ids = await ask(service, to)
    const { failure } = await service.events.until('pool.paused')
    t.like(failure, { code: 'EAUTH', fields: { responseCode: 535, response: '535 5.7.8 Wrong password' } })
    t.deepEqual(await readiness(service), [200, degraded])
    const tried = service.events.of('task.started').map(({ id }) => id)
    for (const id of tried) {
      await service.events.until('task.interrupted', (event) => event.id === id)
      t.like(await taskOf(service, id), { state: 'queued', error: { code: 'EAUTH' } })
    }
    t.is(service.events.of('pool.paused').length, 1)

    open = true
    t.is((await post(`${service.url}/pools/mail/resume`, {})).status, 200)
    for (const id of ids) t.is(await service.events.ended(id), 'succeeded')
    t.deepEqual(recipients(mailbox), to.toSorted())
    t.deepEqual(service.events.of('task.retried'), [])
    t.deepEqual(await readiness(service), [200, { status: 'ok' }])
  },
)

test.serial('what a wrong password paused goes on with the start after it was mended', async (t) => {
  const mailbox = await startMailbox(t)
  const wrong = await serve(t, [], { SMTP_URL: mailbox.url('user:wrong@') })
  const [id] = await ask(wrong)
  await wrong.events.until('pool.paused')
  await wrong.stop()
  const right = await serve(t, ['--data', wrong.data], { SMTP_URL: mailbox.url('user:pass%20word@') })
  t.is(await right.events.ended(id!), 'succeeded')
  t.deepEqual(await readiness(right), [200, { status: 'ok' }])
  t.is(mailbox.received.length, 1)
})

test.serial('what was paused by hand stays paused over a restart, and /readyz says so', async (t) => {
  const first = await serve(t)
  await first.afterwork.pausePool('mail')
  await first.stop()
  const second = await serve(t, ['--data', first.data])
  const paused = [{ pool: 'mail', code: null, message: 'paused by hand' }]
  t.deepEqual(await readiness(second), [200, { status: 'degraded', paused }])
})

test.serial(
  'a file that has gone since the start pauses the pool, and nothing goes out without it',
  async (t) => {
    const mailbox = await startMailbox(t)
    const ca = join(await temporaryFolder(t), 'ca.pem')
    await copyFile(join(certificates, 'ca.pem'), ca)
    const service = await serve(t, ['--smtp-ca', ca], { SMTP_URL: mailbox.url() })
    await rm(ca)
    const [id] = await ask(service)
    t.like(await service.events.until('pool.paused'), { failure: { code: 'ECONFIG' } })
    await service.events.until('task.interrupted')
    t.like(await taskOf(service, id!), { state: 'queued' })
    t.deepEqual(mailbox.asked, [])
  },
)

test.serial('a server that is away gets each mail once when it is back', async (t) => {
  const first = await startMailbox(t)
  const service = await serve(t, [], { SMTP_URL: first.url() })
  const before = await ask(service, 'before@example.org')
  t.is(await service.events.ended(before[0]!), 'succeeded')
  const { port } = first
  await first.close()
  const quick = tasks.mail.sendEmail.with({ ordered: false, backoff: { first: 100, factor: 1 } })
  const names = Array.from({ length: 20 }, (_, index) => `away${index}@example.org`)
  const added = await Promise.all(
    names.map((to) => service.afterwork.addTask(quick, { ...mail, to, date: new Date() })),
  )
  for (const { id } of added) await service.events.until('task.retried', (event) => event.id === id)
  const second = await startMailbox(t, { port })
  for (const { id } of added) t.is(await service.events.ended(id), 'succeeded')
  t.deepEqual(recipients(second), names.toSorted())
})

test.serial('what the server said is kept with the task', async (t) => {
  const mailbox = await startMailbox(t, {
    refuse: (stage, to) => (stage === 'rcpt' && to.startsWith('full') ? '552 5.2.2 Mailbox full' : undefined),
  })
  const service = await serve(t, [], { SMTP_URL: mailbox.url() })
  const [well, full] = await ask(service, [mail.to, 'full@example.org'])
  t.is(await service.events.ended(well!), 'succeeded')
  t.is(await service.events.ended(full!), 'failed')
  const { result } = await taskOf(service, well!)
  t.like(result, { to: mail.to, server: new URL(mailbox.url()).host })
  t.regex((result as { response: string }).response, /^250 /)
  t.like(await taskOf(service, full!), {
    attempt: 1,
    error: {
      message: 'Expected the mail server to accept the recipient, got 552 5.2.2 Mailbox full',
      code: 'EENVELOPE',
      fields: {
        responseCode: 552,
        enhancedStatus: '5.2.2',
        command: 'RCPT TO',
        response: '552 5.2.2 Mailbox full',
      },
    },
  })
})

for (const smtp of [true, false]) {
  test.serial(
    `with --mail-redirect all mail goes to one address: ${smtp ? 'by SMTP' : 'in the outbox'}`,
    async (t) => {
      const mailbox = await startMailbox(t)
      const flags = ['--mail-redirect', 'staging@example.com', '--mail-allow', 'example.org']
      const service = await serve(t, flags, smtp ? { SMTP_URL: mailbox.url() } : {})
      const refused = await post(`${service.url}/send-email`, { ...mail, to: 'a@elsewhere.org' })
      t.like(refused.json, { code: 'RECIPIENT_NOT_ALLOWED' }, 'what is asked for counts')
      const [id] = await ask(service)
      t.is(await service.events.ended(id!), 'succeeded')
      const { result } = await taskOf(service, id!)
      t.like(result, { to: 'staging@example.com' })
      const raw = smtp
        ? (await mailbox.mailTo('staging@example.com')).raw
        : await readFile(join(service.data, 'outbox', `${id}.eml`), 'utf8')
      const { to, subject, headers } = await PostalMime.parse(raw)
      t.deepEqual(to, [{ name: '', address: 'staging@example.com' }])
      t.is(subject, mail.subject)
      t.is(headers.find(({ key }) => key === 'x-original-to')?.value, mail.to)
      t.deepEqual(mailbox.asked, smtp ? ['staging@example.com'] : [])
    },
  )
}

test.serial('no more mail leaves than the rate allows, also right after a restart', async (t) => {
  const first = await serve(t, ['--mail-rate', '2/d'])
  const ids = await ask(first, ['a@example.org', 'b@example.org', 'c@example.org'])
  for (const id of ids.slice(0, 2)) t.is(await first.events.ended(id), 'succeeded')
  await first.stop()
  t.is((await readdir(join(first.data, 'outbox'))).length, 2)
  const second = await serve(t, ['--data', first.data, '--mail-rate', '2/d'])
  t.like(await taskOf(second, ids[2]!), { state: 'queued', attempt: 0 })
  await second.stop()
  t.is((await readdir(join(first.data, 'outbox'))).length, 2)
  const third = await serve(t, ['--data', first.data, '--mail-rate', '3/d'])
  t.is(await third.events.ended(ids[2]!), 'succeeded', 'a new rate holds for what was added before')
})

test.serial(
  'an address that does not exist is refused with the next request, until its line is gone',
  async (t) => {
    const mailbox = await startMailbox(t)
    const service = await serve(t, [], { SMTP_URL: mailbox.url() })
    const [id] = await ask(service, 'unknown@example.org')
    t.is(await service.events.ended(id!), 'failed')
    const refused = await post(`${service.url}/send-email`, { ...mail, to: [mail.to, 'Unknown@example.org'] })
    t.is(refused.status, 422)
    t.like(refused.json, { code: 'RECIPIENT_SUPPRESSED' })
    t.regex(refused.json.detail, /550 No such user/)
    await writeFile(join(service.data, 'suppressed.jsonl'), '')
    t.is((await ask(service, 'unknown@example.org')).length, 1)
  },
)

test.serial('with --mail-suppress off every address is tried', async (t) => {
  const mailbox = await startMailbox(t)
  const service = await serve(t, ['--mail-suppress', 'off'], { SMTP_URL: mailbox.url() })
  for (let times = 1; times <= 2; times++) {
    const [id] = await ask(service, 'unknown@example.org')
    t.is(await service.events.ended(id!), 'failed')
    t.is(mailbox.asked.length, times)
  }
})

test.serial('connections end with the service', async (t) => {
  const mailbox = await startMailbox(t)
  const service = await serve(t, [], { SMTP_URL: mailbox.url() })
  const [id] = await ask(service)
  t.is(await service.events.ended(id!), 'succeeded')
  t.is(mailbox.open, 1)
  await service.stop()
  await mailbox.untilOpen(0)
  t.pass()
})
