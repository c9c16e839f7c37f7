import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TaskDocument } from 'afterwork'
import test from 'ava'
import { Endings } from '../support/endings.ts'
import { post, send, type Answer } from '../support/http.ts'
import { fileForm, multipart } from '../support/multipart.ts'
import { serve, type TestService } from '../support/service.ts'
import { startMailbox, type Mailbox } from '../support/smtp.ts'

const endings = new Endings()
let mailbox: Mailbox
let service: TestService
test.before(async () => {
  mailbox = await startMailbox(endings)
  const templates = new URL('../../examples/mail', import.meta.url).pathname
  service = await serve(endings, ['--mail-from', 'shop@example.com', '--mail-templates', templates], {
    SMTP_URL: mailbox.url(),
  })
})
test.after.always(() => endings.run())

/** The id of the only task of a request that must have been accepted. */
function idOf({ status, text, json }: Answer): string {
  if (status !== 202) throw new Error(text)
  return (json as { tasks: { id: string }[] }).tasks[0]!.id
}

/** Asks for a mail and waits for its task to end. */
async function mailed(mail: object): Promise<TaskDocument> {
  const id = idOf(await post(`${service.url}/send-email`, mail))
  await service.events.ended(id)
  return (await send(`${service.url}/tasks/${id}`)).json as TaskDocument
}

/** Uploads a file and gives its id once it was looked at: no task needs it any more. */
async function uploaded(content: string | Uint8Array, name?: string, type?: string): Promise<string> {
  const answer = await send(`${service.url}/upload-file`, fileForm(content, name, type))
  if (answer.status !== 202) throw new Error(answer.text)
  await service.events.ended(idOf(answer))
  return (answer.json as { files: { id: string }[] }).files[0]!.id
}

function refusal(mail: object): Promise<Answer> {
  return post(`${service.url}/send-email`, { to: 'refused@example.org', subject: 's', text: 't', ...mail })
}

test('a template with data, an image and an attachment arrives as one mail, its subject from the template', async (t) => {
  const bytes = Uint8Array.from({ length: 50_000 }, (_, index) => (index * 31) % 256)
  const logo = await uploaded(bytes, 'logo.png', 'image/png')
  const terms = await uploaded('<script>alert(1)</script>', 'Größe & Maße 世界.html', 'text/html')
  const mail = {
    to: 'template@example.org',
    template: 'welcome',
    data: { name: '<b>{{constructor}}</b>', confirmUrl: 'https://example.com/?a=1', logo: 'Shop' },
    replyTo: 'support@münchen.example',
    inline: { logo },
    attachments: [terms],
    listUnsubscribe: 'https://example.com/unsubscribe?for=1',
  }
  const task = await mailed(mail)
  t.is(task.state, 'succeeded', JSON.stringify(task.error))
  const { email } = await mailbox.mailTo('template@example.org')
  t.is(email.subject, 'Welcome, <b>{{constructor}}</b>')
  t.regex(email.html!, /Welcome, &lt;b&gt;\{\{constructor}}&lt;\/b&gt;/)
  t.regex(email.text!, /^Shop\n\n\nWelcome, <b>\{\{constructor}}<\/b>\n/)
  t.deepEqual(email.replyTo, [{ name: '', address: 'support@xn--mnchen-3ya.example' }])
  t.is(email.headers.find(({ key }) => key === 'list-unsubscribe-post')?.value, 'List-Unsubscribe=One-Click')
  const [image, attachment] = email.attachments
  t.like(image, { filename: 'logo.png', mimeType: 'image/png', disposition: 'inline', related: true })
  t.deepEqual(Buffer.from(image!.content as ArrayBuffer), Buffer.from(bytes))
  t.true(email.html!.includes(`"cid:${image!.contentId!.slice(1, -1)}"`))
  t.like(attachment, {
    filename: 'Größe & Maße 世界.html',
    mimeType: 'text/html',
    disposition: 'attachment',
  })
})

test('Markdown arrives as a page and as the text it is', async (t) => {
  const markdown = '# Hello\n\nA **word** and https://example.org/'
  await mailed({ to: 'markdown@example.org', subject: 'Hi', markdown })
  const { email } = await mailbox.mailTo('markdown@example.org')
  t.regex(email.html!, /<h1>Hello<\/h1>\n<p>A <strong>word<\/strong> and <a href="https:\/\/example.org\/">/)
  t.is(email.text?.trim(), markdown)
})

test('html brings a text part; a text beside it takes its place', async (t) => {
  await mailed({ to: 'html1@example.org', subject: 'Hi', html: '<h1>Hello</h1><p>you' })
  t.is((await mailbox.mailTo('html1@example.org')).email.text?.trim(), 'Hello\n\nyou')
  await mailed({ to: 'html2@example.org', subject: 'Hi', html: '<h1>Hello</h1>', text: 'mine' })
  t.is((await mailbox.mailTo('html2@example.org')).email.text?.trim(), 'mine')
})

test('forms bring data and images as JSON, and several attachments', async (t) => {
  const [logo, one, two] = [
    await uploaded('x', 'l.png', 'image/png'),
    await uploaded('1'),
    await uploaded('2'),
  ]
  const fields = {
    template: 'receipt',
    data: JSON.stringify({ name: 'Mira', number: 7, date: 'today', items: [], total: '0' }),
    inline: JSON.stringify({ logo }),
    subject: 'Mine',
  }
  const form = new URLSearchParams({ ...fields, to: 'form-a@example.org' })
  for (const id of [one, two]) form.append('attachments', id)
  const urlencoded = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const url = `${service.url}/send-email`
  idOf(await send(url, { method: 'POST', headers: urlencoded, body: form.toString() }))
  const parts = Object.entries({ ...fields, to: 'form-b@example.org', attachments: one })
  idOf(await send(url, multipart(parts.map(([name, content]) => ({ name, content })))))
  const { email } = await mailbox.mailTo('form-a@example.org')
  t.is(email.subject, 'Mine')
  t.regex(email.html!, /receipt <b>7<\/b> of today/)
  t.is(email.attachments.length, 3)
  t.is((await mailbox.mailTo('form-b@example.org')).email.attachments.length, 2)
})

test('what a mail brings along is kept for as long as the mail waits', async (t) => {
  const [logo, paper] = [await uploaded('x', 'l.png', 'image/png'), await uploaded('y')]
  const inUse = async (id: string) => (await service.afterwork.records.file(id))?.inUse
  for (const id of [logo, paper]) t.false(await inUse(id))
  const mail = { to: 'waits@example.org', subject: 's', html: '<img src="cid:logo">', delay: '1h' }
  idOf(await post(`${service.url}/send-email`, { ...mail, inline: { logo }, attachments: [paper] }))
  for (const id of [logo, paper]) t.true(await inUse(id))
})

test('a type or name that is not fit for a header becomes one that is', async (t) => {
  const ids = [
    await uploaded('x', 'a.bin', 'nosuch/type'),
    await uploaded('Subject: x\n\ny', 'a.eml', 'message/rfc822'),
    await uploaded('--x\n\ny', 'a.txt', 'multipart/mixed; boundary=x'),
    await uploaded('x', '..%2F=?utf-8?Q?=0D=0A?=\u202Egpj.exe', 'text/PLAIN; charset=utf-8'),
  ]
  await mailed({ to: 'types@example.org', subject: 's', text: 't', attachments: ids })
  const { email } = await mailbox.mailTo('types@example.org')
  t.deepEqual(
    email.attachments.map(({ mimeType }) => mimeType),
    ['application/octet-stream', 'application/octet-stream', 'application/octet-stream', 'text/plain'],
  )
  t.notRegex(email.attachments[3]!.filename!, /[\u202E\r\n]/)
})

test('a file that is not there, or is no image where one is meant, is refused and named', async (t) => {
  const [file, logo] = [await uploaded('x'), await uploaded('x', 'x.svg', 'image/svg+xml')]
  const unknown = '01a1fbce-0dfc-7349-b774-3d62cfb32d38'
  for (const id of [unknown, '../../etc/passwd', '/etc/passwd', `${file}.thumb`, 'https://example.org/']) {
    const answer = await refusal({ attachments: [file, id] })
    t.is(answer.status, 404)
    t.is(answer.json.code, 'FILE_NOT_FOUND')
    t.true(answer.json.detail.includes(JSON.stringify(id)))
  }
  t.like((await refusal({ html: 'x', inline: { logo: unknown } })).json, { code: 'FILE_NOT_FOUND' })
  for (const id of [file, logo])
    t.like((await refusal({ html: 'x', inline: { logo: id } })).json, { status: 422, code: 'INVALID_FIELD' })
})

test('attachments of more than 25 MB in all are refused', async (t) => {
  const bytes = new Uint8Array(13 * 1024 ** 2)
  const ids = [await uploaded(bytes), await uploaded(bytes)]
  t.like((await refusal({ attachments: ids })).json, { status: 422, code: 'ATTACHMENTS_TOO_LARGE' })
})

test('what is in the folder of templates and is no message of its own is no template', async (t) => {
  for (const template of [
    'layout',
    'partials',
    'button',
    'welcome.subject',
    'receipt.txt',
    'partials/button',
  ])
    t.like((await refusal({ text: undefined, template })).json, { status: 422, code: 'UNKNOWN_TEMPLATE' })
})

test('a subject may be missing only where the template brings one', async (t) => {
  const own = await serve(t)
  await mkdir(join(own.data, 'templates'))
  await writeFile(join(own.data, 'templates', 'bare.hbs'), 'x')
  const mail = { to: 'a@example.org', template: 'bare' }
  t.like((await post(`${own.url}/send-email`, mail)).json, { status: 422, code: 'INVALID_FIELD' })
  t.is((await post(`${own.url}/send-email`, { ...mail, subject: 's' })).status, 202)
  await writeFile(join(own.data, 'templates', 'bare.subject.hbs'), 'x')
  t.is((await post(`${own.url}/send-email`, mail)).status, 202)
})

const unsendable: [what: string, code: string, mail: object][] = [
  [
    'a value that the template needs and nobody sent',
    'TEMPLATE_DATA',
    { template: 'welcome', data: { name: 'x' } },
  ],
  ['an image that nobody sent', 'UNKNOWN_IMAGE', { subject: 's', html: '<img src="cid:logo">' }],
  [
    'a subject that data makes too long',
    'BAD_SUBJECT',
    { template: 'receipt', data: { number: 'x'.repeat(1_000), name: '', date: '', items: [], total: '' } },
  ],
]

for (const [what, code, mail] of unsendable) {
  test(`${what} fails the task at once and for good`, async (t) => {
    const { state, attempt, error } = await mailed({ to: 'unsendable@example.org', ...mail })
    t.deepEqual([state, attempt, error?.code], ['failed', 1, code])
    t.false(mailbox.asked.includes('unsendable@example.org'))
  })
}

test('pages and Markdown made to hurt are sent, harmless, and the thread lives on', async (t) => {
  const html = `<p>words</p>${'<div>'.repeat(190_000)}`
  const tables = `<p>words</p><table><tr><th colspan="1000000000">x</th></tr></table>${'<table><tr><td>'.repeat(60_000)}`
  const markdown = 'words\n\n' + '>'.repeat(99_000)
  const ids = [
    idOf(await post(`${service.url}/send-email`, { to: 'hurt1@example.org', subject: 's', html })),
    idOf(await post(`${service.url}/send-email`, { to: 'hurt2@example.org', subject: 's', html: tables })),
    idOf(await post(`${service.url}/send-email`, { to: 'hurt3@example.org', subject: 's', markdown })),
  ]
  for (const id of ids) t.is(await service.events.ended(id), 'succeeded')
  for (const to of ['hurt1@example.org', 'hurt2@example.org', 'hurt3@example.org'])
    t.regex((await mailbox.mailTo(to)).email.text!, /^words/)
  const attempts = await Promise.all(ids.map((id) => service.afterwork.records.get(id)))
  t.deepEqual(
    attempts.map((record) => record?.attempt),
    [1, 1, 1],
  )
})

test.serial('of the refused mails none was stored and none sent', async (t) => {
  const before = (await send(`${service.url}/tasks`)).json.tasks.length
  await refusal({ attachments: ['nosuch'] })
  await refusal({ template: 'nosuch' })
  t.is((await send(`${service.url}/tasks`)).json.tasks.length, before)
  t.false(mailbox.asked.includes('refused@example.org'))
})
