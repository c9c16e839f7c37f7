import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TaskDocument } from 'afterwork'
import test from 'ava'
import PostalMime from 'postal-mime'
import { Endings } from '../support/endings.ts'
import { post, send, type Answer } from '../support/http.ts'
import { multipart } from '../support/multipart.ts'
import { serve, type TestService } from '../support/service.ts'
import { startMailbox, type Mailbox } from '../support/smtp.ts'

const endings = new Endings()
let mailbox: Mailbox
let service: TestService
test.before(async () => {
  mailbox = await startMailbox(endings)
  service = await serve(endings, ['--mail-from', 'Shop <shop@example.com>'], {
    SMTP_URL: mailbox.url('user:pass%20word@'),
  })
})
test.after.always(() => endings.run())

/** The ids of the tasks of a request that must have been accepted. */
function idsOf({ status, text, json }: Answer): string[] {
  if (status !== 202) throw new Error(text)
  return (json as { tasks: { id: string }[] }).tasks.map(({ id }) => id)
}

async function taskOf(id: string): Promise<TaskDocument> {
  return (await send(`${service.url}/tasks/${id}`)).json as TaskDocument
}

test('a mail is what was asked for, from the configured sender, with an id and a date', async (t) => {
  const before = Date.now()
  const answer = await post(`${service.url}/send-email`, {
    to: 'mira@example.org',
    subject: 'Grüße, 世界 🎉 and a line that is long enough to be folded when it is encoded',
    text: 'Zeile eins\nLine two: ünïcödé\n.\nafter a single dot',
    html: '<p>Hallo <b>Wélt</b></p>',
  })
  t.is(answer.status, 202)
  const [task] = answer.json.tasks
  t.deepEqual(answer.json, {
    message: 'Email queued',
    tasks: [{ id: task.id, name: 'mail.sendEmail', href: `/tasks/${task.id}` }],
  })
  t.is(answer.headers.location, task.href)
  t.is(await service.events.ended(task.id), 'succeeded')

  const { from, to, user, email } = await mailbox.mailTo('mira@example.org')
  t.is(from, 'shop@example.com')
  t.deepEqual(to, ['mira@example.org'])
  t.is(user, 'user')
  t.deepEqual(email.from, { name: 'Shop', address: 'shop@example.com' })
  t.deepEqual(email.to, [{ name: '', address: 'mira@example.org' }])
  t.is(email.subject, 'Grüße, 世界 🎉 and a line that is long enough to be folded when it is encoded')
  t.is(email.text?.replace(/\n$/, ''), 'Zeile eins\nLine two: ünïcödé\n.\nafter a single dot')
  t.is(email.html?.trim(), '<p>Hallo <b>Wélt</b></p>')
  t.is(email.messageId, `<${task.id}@example.com>`)
  const date = Date.parse(email.date!)
  t.true(date >= before - 1_000 && date <= Date.now())
  t.deepEqual([email.cc, email.bcc, email.attachments], [undefined, undefined, []])

  const { result } = await taskOf(task.id)
  t.like(result, { to: 'mira@example.org', messageId: `<${task.id}@example.com>` })
})

test('each of several recipients gets a task and a mail of its own, each address once', async (t) => {
  const to = ['list1@example.org', 'list2@EXAMPLE.org', 'list3@münchen.example', 'list1@example.org']
  const ids = idsOf(await post(`${service.url}/send-email`, { to, subject: 'To each', text: 'Hello' }))
  t.is(ids.length, 3)
  for (const id of ids) t.is(await service.events.ended(id), 'succeeded')
  for (const address of ['list1@example.org', 'list2@example.org', 'list3@xn--mnchen-3ya.example']) {
    const mails = mailbox.received.filter(({ email }) => email.to?.some((one) => one.address === address))
    t.deepEqual(
      mails.map(({ to: envelope, email }) => [envelope.length, email.to?.length]),
      [[1, 1]],
    )
  }
  const records = await Promise.all(ids.map((id) => service.afterwork.records.get(id)))
  t.is(new Set(records.map((record) => record?.group)).size, 3)
})

test('JSON, urlencoded and multipart forms are understood alike, `message` as `text`', async (t) => {
  const url = `${service.url}/send-email`
  const fields = { subject: 'A form', message: 'Hello & välkommen + 100%' }
  const form = new URLSearchParams({ ...fields, to: 'form1@example.org' })
  form.append('to', 'form2@example.org')
  const parts = Object.entries({ ...fields, to: 'form3@example.org' })
  const answers = [
    await post(url, { ...fields, to: 'form0@example.org' }),
    await send(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    }),
    await send(url, multipart(parts.map(([name, content]) => ({ name, content })))),
  ]
  t.deepEqual(
    answers.map((answer) => idsOf(answer).length),
    [1, 2, 1],
  )
  for (const name of ['form0', 'form1', 'form2', 'form3']) {
    const { email } = await mailbox.mailTo(`${name}@example.org`)
    t.is(email.subject, 'A form')
    t.is(email.text?.trim(), 'Hello & välkommen + 100%')
  }
})

test('a mail with a delay waits, scheduled, until it is due', async (t) => {
  const later = { to: 'later@example.org', subject: 'Later', text: 'x', delay: '1h' }
  const [waiting] = idsOf(await post(`${service.url}/send-email`, later))
  const soon = { to: 'soon@example.org', subject: 'Soon', text: 'x', delay: 40 }
  const [due] = idsOf(await post(`${service.url}/send-email`, soon))
  t.is(await service.events.ended(due!), 'succeeded')
  const { addedAt, startedAt } = await taskOf(due!)
  t.true(Date.parse(startedAt!) - Date.parse(addedAt) >= 40)
  t.like(await taskOf(waiting!), { state: 'scheduled', attempt: 0, startedAt: null })
  t.false(mailbox.asked.includes('later@example.org'))
})

test('a recipient that the server does not know fails the task once, and is not tried again', async (t) => {
  const mail = { to: 'unknown@example.org', subject: 'To nobody', text: 'x' }
  const [id] = idsOf(await post(`${service.url}/send-email`, mail))
  t.is(await service.events.ended(id!), 'failed')
  t.is(mailbox.asked.filter((address) => address === mail.to).length, 1)
  const { state, attempt, error } = await taskOf(id!)
  t.deepEqual([state, attempt], ['failed', 1])
  t.like(error, { name: 'TaskError', code: 'EENVELOPE' })
  t.is(error?.cause?.fields?.['responseCode'], 550)
  t.deepEqual(
    service.events.life(id!).filter((event) => event === 'task.retried'),
    [],
  )
})

test('a recipient that the server cannot take now is scheduled for another attempt', async (t) => {
  const mail = { to: 'busy@example.org', subject: 'To somebody busy', text: 'x' }
  const [id] = idsOf(await post(`${service.url}/send-email`, mail))
  const { runAt, at, failure } = await service.events.until('task.retried', (event) => event.id === id)
  t.true(runAt - at >= 45_000 && runAt - at <= 60_000)
  t.is(failure.fields?.['responseCode'], 451)
  t.like(await service.afterwork.records.get(id!), { state: 'scheduled', attempt: 1, endedAt: null })
})

test('a server that is not there is tried again later', async (t) => {
  const closed = await startMailbox(t)
  const url = closed.url()
  await closed.close()
  const own = await serve(t, [], { SMTP_URL: url })
  const [id] = idsOf(await post(`${own.url}/send-email`, { to: 'a@example.org', subject: 's', text: 'x' }))
  const { failure } = await own.events.until('task.retried', (event) => event.id === id)
  t.regex(failure.code ?? '', /ECONNECTION|ECONNREFUSED|ESOCKET/)
})

test('without SMTP_URL a mail becomes a file in the outbox', async (t) => {
  const own = await serve(t)
  const mail = { to: 'mira@example.org', subject: 'Für später', text: 'Hello' }
  const [id] = idsOf(await post(`${own.url}/send-email`, mail))
  t.is(await own.events.ended(id!), 'succeeded')
  t.deepEqual(await readdir(join(own.data, 'outbox')), [`${id}.eml`])
  const email = await PostalMime.parse(await readFile(join(own.data, 'outbox', `${id}.eml`)))
  t.deepEqual(email.from, { name: '', address: 'afterwork@localhost' })
  t.deepEqual(email.to, [{ name: '', address: 'mira@example.org' }])
  t.deepEqual([email.subject, email.text?.trim()], ['Für später', 'Hello'])
  t.is(email.messageId, `<${id}@localhost>`)
})

test('only domains of the allow list get mail, and all of a request or none', async (t) => {
  const own = await serve(t, ['--mail-allow', 'example.org, Example.NET'])
  const mail = { subject: 's', text: 'x' }
  for (const to of ['a@example.com', 'a@sub.example.org', ['a@example.org', 'a@example.com']]) {
    const answer = await post(`${own.url}/send-email`, { ...mail, to })
    t.is(answer.status, 422)
    t.like(answer.json, { code: 'RECIPIENT_NOT_ALLOWED' })
  }
  t.deepEqual((await send(`${own.url}/tasks`)).json.tasks, [])
  const allowed = await post(`${own.url}/send-email`, { ...mail, to: ['a@EXAMPLE.org', 'b@example.net'] })
  t.is(idsOf(allowed).length, 2)
})
