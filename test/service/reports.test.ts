import type { TaskDocument } from 'afterwork'
import test from 'ava'
import { Endings } from '../support/endings.ts'
import { post, send, type Answer } from '../support/http.ts'
import { fileForm } from '../support/multipart.ts'
import { serve, type TestService } from '../support/service.ts'
import { startMailbox, type Mailbox, type Received } from '../support/smtp.ts'

const endings = new Endings()
let mailbox: Mailbox
let service: TestService
test.before(async () => {
  mailbox = await startMailbox(endings)
  service = await serve(endings, ['--mail-allow', 'example.org'], { SMTP_URL: mailbox.url() })
})
test.after.always(() => endings.run())

const rows = Array.from({ length: 50 }, (_, index) => `${index % 3 === 0 ? 'Łódź' : 'Lyon'},${index * index}`)
const table = `city,amount\n${rows.join('\n')}\n`

/** Uploads a file and gives its id, once its task has ended. */
async function upload(content = table, filename = 'sales.csv'): Promise<{ file: string; task: string }> {
  const { json } = await send(`${service.url}/upload-file`, fileForm(content, filename))
  await service.events.ended(json.tasks[0].id)
  return { file: json.files[0].id, task: json.tasks[0].id }
}

/** The id of the task of a request that must have been accepted. */
function taskIn({ status, text, json }: Answer): string {
  if (status !== 202) throw new Error(text)
  return (json as { tasks: { id: string }[] }).tasks[0]!.id
}

async function documentOf(id: string): Promise<TaskDocument> {
  return (await send(`${service.url}/tasks/${id}`)).json as TaskDocument
}

/** The tasks that mail a report. */
async function mailsOf(id: string): Promise<string[]> {
  const { result } = await documentOf(id)
  return (result as { mails: { id: string }[] }).mails.map((mail) => mail.id)
}

function contents({ email }: Received): Buffer[] {
  return email.attachments.map(({ content }) => Buffer.from(content as ArrayBuffer))
}

test('a report is asked for by the id of a file, and is a page and a PDF beside it', async (t) => {
  const { file } = await upload()
  const answer = await post(`${service.url}/reports`, { file })
  t.is(answer.status, 202)
  const [task] = answer.json.tasks
  t.deepEqual(answer.json, {
    message: 'Report started',
    tasks: [{ id: task.id, name: 'reports.summarise', href: `/tasks/${task.id}` }],
  })
  t.is(answer.headers.location, task.href)
  t.is(await service.events.ended(task.id), 'succeeded')
  t.like((await documentOf(task.id)).result, { id: file, name: 'sales.csv', rows: 50, mails: [] })

  const page = await send(`${service.url}/files/${file}/report.html`)
  t.is(page.headers['content-type'], 'text/html; charset=utf-8')
  t.is(page.headers['content-security-policy'], "default-src 'none'; style-src 'unsafe-inline'; sandbox")
  t.is(page.headers['x-content-type-options'], 'nosniff')
  t.true(page.text.includes('<bdi>Łódź</bdi>'))
  const pdf = await send(`${service.url}/files/${file}/report.pdf`)
  t.is(pdf.headers['content-type'], 'application/pdf')
  t.is(pdf.headers['content-security-policy'], "default-src 'none'; sandbox")
  t.is(pdf.headers['content-disposition'], undefined)
  t.is(pdf.body.toString('latin1', 0, 5), '%PDF-')
})

test('a report that was made anew is not taken for the one before', async (t) => {
  const { file } = await upload()
  const url = `${service.url}/files/${file}/report.html`
  await service.events.ended(taskIn(await post(`${service.url}/reports`, { file })))
  const { etag } = (await send(url)).headers
  const headers = { 'If-None-Match': etag! }
  t.is((await send(url, { headers })).status, 304)
  await service.events.ended(taskIn(await post(`${service.url}/reports`, { file })))
  t.is((await send(url, { headers })).status, 200)
})

test('a report is mailed to each recipient, both documents attached, byte by byte', async (t) => {
  const { file } = await upload()
  const to = ['ada@example.org', 'mira@example.org', 'ada@example.org']
  const id = taskIn(await post(`${service.url}/reports`, { file, to, subject: 'Für Sie' }))
  t.is(await service.events.ended(id), 'succeeded')
  const mails = await mailsOf(id)
  t.is(mails.length, 2)
  const documents = await Promise.all(
    ['report.html', 'report.pdf'].map(
      async (name) => (await send(`${service.url}/files/${file}/${name}`)).body,
    ),
  )
  for (const address of ['ada@example.org', 'mira@example.org']) {
    const received = await mailbox.mailTo(address)
    const { subject, text, html, attachments, messageId } = received.email
    t.is(subject, 'Für Sie')
    t.true(mails.some((mail) => messageId?.startsWith(`<${mail}@`)))
    t.regex(text ?? '', /sales\.csv[^]*Rows: 50/)
    t.true(html?.includes('sales.csv'))
    t.deepEqual(
      attachments.map(({ filename, mimeType }) => [filename, mimeType]),
      [
        ['sales report.html', 'text/html'],
        ['sales report.pdf', 'application/pdf'],
      ],
    )
    t.deepEqual(contents(received), documents)
  }
})

test('the file and its report stay until the mail has gone out, though their own tasks are forgotten', async (t) => {
  const { file, task } = await upload()
  const to = 'slow-reader@example.org'
  const id = taskIn(await post(`${service.url}/reports`, { file, to }))
  t.is(await service.events.ended(id), 'succeeded')
  const [mail] = await mailsOf(id)
  await mailbox.askedFor(to)
  for (const ended of [task, id])
    t.is((await send(`${service.url}/tasks/${ended}`, { method: 'DELETE' })).status, 204)
  const url = `${service.url}/files/${file}/report.pdf`
  t.is((await send(url)).status, 200)

  await mailbox.takeSlow(to)
  t.is(await service.events.ended(mail!), 'succeeded')
  const received = await mailbox.mailTo(to)
  t.is(contents(received)[1]!.toString('latin1', 0, 5), '%PDF-')
  t.is((await send(`${service.url}/tasks/${mail}`, { method: 'DELETE' })).status, 204)
  t.is((await send(url)).status, 404)
})

test('a form asks for a report as JSON does', async (t) => {
  const { file } = await upload()
  const answer = await send(`${service.url}/reports`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ file, to: 'form@example.org' }).toString(),
  })
  t.is(await service.events.ended(taskIn(answer)), 'succeeded')
  t.is((await mailbox.mailTo('form@example.org')).email.subject, 'Report: sales.csv')
})

test('a file that is no table has no report, and nobody gets mail', async (t) => {
  const { file } = await upload('Dear Sir or Madam,\nplease find attached nothing.\n', 'letter.csv')
  const id = taskIn(await post(`${service.url}/reports`, { file, to: 'nobody@example.org' }))
  t.is(await service.events.ended(id), 'failed')
  t.like((await documentOf(id)).error, { name: 'TaskError', code: 'NOT_A_TABLE' })
  t.is((await send(`${service.url}/files/${file}/report.html`)).status, 404)
  t.false(mailbox.asked.includes('nobody@example.org'))
})

test.serial('a request that cannot be done is refused, and nothing is added', async (t) => {
  const { file } = await upload()
  const before = (await send(`${service.url}/tasks?name=reports.summarise`)).json.tasks.length
  const to = 'a@example.org'
  const refusals: [number, string, unknown][] = [
    [404, 'FILE_NOT_FOUND', { file: '01a1fbce-0dfc-7349-b774-3d62cfb32d38' }],
    [404, 'FILE_NOT_FOUND', { file: '../../etc/passwd' }],
    [422, 'INVALID_FIELD', {}],
    [422, 'INVALID_FIELD', { file: { id: file } }],
    [422, 'INVALID_FIELD', { file: [file] }],
    [422, 'INVALID_FIELD', [file]],
    [422, 'INVALID_FIELD', { file, to: [] }],
    [422, 'INVALID_FIELD', { file, subject: 'Without a recipient' }],
    [422, 'INVALID_FIELD', { file, to, subject: 'x\r\nBcc: evil@example.org' }],
    [422, 'UNKNOWN_FIELD', { file, path: '/etc/hostname' }],
    [422, 'BAD_ADDRESS', { file, to: `${to}\r\nBcc: evil@example.org` }],
    [422, 'BAD_ADDRESS', { file, to: [to, 'Mira <m@example.org>'] }],
    [422, 'RECIPIENT_NOT_ALLOWED', { file, to: [to, 'a@example.com'] }],
  ]
  for (const [status, code, body] of refusals) {
    const answer = await post(`${service.url}/reports`, body)
    t.is(answer.status, status, JSON.stringify(body))
    t.like(answer.json, { status, code })
  }
  const text = await send(`${service.url}/reports`, { method: 'POST', body: file })
  t.like(text.json, { status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
  t.is((await send(`${service.url}/tasks?name=reports.summarise`)).json.tasks.length, before)
})
