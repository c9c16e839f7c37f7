import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { Endings } from '../support/endings.ts'
import { post, send, type Answer } from '../support/http.ts'
import { letter, putMessage, source } from '../support/outbox.ts'
import { serve, type TestService } from '../support/service.ts'

const endings = new Endings()
let service: TestService
test.before(async () => {
  service = await serve(endings, ['--mail-from', 'Shop <shop@example.com>'])
})
test.after.always(() => endings.run())

const get = (path: string): Promise<Answer> => send(`${service.url}/outbox/${path}`)

async function subjectsOf(
  { url }: TestService,
  query = '',
): Promise<{ subjects: string[]; next: string | null }> {
  const { json } = await send(`${url}/outbox/messages${query}`)
  const { messages, next } = json as { messages: { subject: string }[]; next: string | null }
  return { subjects: messages.map(({ subject }) => subject), next }
}

test.serial('without a message there is an empty list', async (t) => {
  const { status, json } = await get('messages')
  t.is(status, 200)
  t.deepEqual(json, { messages: [], next: null, total: 0 })
})

test.serial('a mail that was sent is in the list, and can be read and deleted', async (t) => {
  const answer = await post(`${service.url}/send-email`, {
    to: 'mira@example.org',
    subject: 'Grüße, 世界',
    text: 'Zeile eins\n\nZeile  zwei',
    html: '<p>Hallo <b>Wélt</b></p>',
  })
  const { id } = answer.json.tasks[0] as { id: string }
  t.is(await service.events.ended(id), 'succeeded')

  const [summary] = (await get('messages')).json.messages
  t.like(summary, {
    id,
    from: { name: 'Shop', address: 'shop@example.com' },
    to: [{ name: '', address: 'mira@example.org' }],
    subject: 'Grüße, 世界',
    attachments: 0,
    preview: 'Zeile eins Zeile zwei',
  })
  const file = await readFile(join(service.data, 'outbox', `${id}.eml`))
  t.is(summary.size, file.length)

  const message = (await get(id)).json
  t.like(message, {
    id,
    subject: summary.subject,
    date: summary.date,
    html: true,
    remote: 0,
    unreadable: null,
  })
  t.is(message.text.trim(), 'Zeile eins\n\nZeile  zwei')
  t.like(
    message.headers.find(({ name }: { name: string }) => name === 'Subject'),
    { value: 'Grüße, 世界' },
  )
  t.regex((await get(`${id}/html`)).text, /<p>Hallo <b>Wélt<\/b><\/p>/)
  t.is((await get(`${id}/text`)).text.trim(), 'Zeile eins\n\nZeile  zwei')
  const shown = await get(`${id}/source`)
  t.deepEqual(shown.body, file)
  t.is(shown.headers['content-type'], 'text/plain; charset=utf-8')

  t.is((await send(`${service.url}/outbox/${id}`, { method: 'DELETE' })).status, 204)
  t.deepEqual(await readdir(join(service.data, 'outbox')), [])
  t.like((await get(id)).json, { status: 404, code: 'MESSAGE_NOT_FOUND' })
  t.is((await send(`${service.url}/outbox/${id}`, { method: 'DELETE' })).status, 404)
})

test('pages go from the newest to the oldest, each message once, whatever comes or goes meanwhile', async (t) => {
  const own = await serve(t)
  for (const number of [3, 1, 4, 2, 5])
    await putMessage(own.data, `m-${number}`, letter(`No. ${number}`), number)
  // Of the same moment.
  await putMessage(own.data, 'n-4', letter('No. 4 again'), 4)

  const first = await subjectsOf(own, '?limit=2')
  t.deepEqual(first.subjects, ['No. 5', 'No. 4 again'])
  await putMessage(own.data, 'm-6', letter('No. 6'), 6)
  await send(`${own.url}/outbox/n-4`, { method: 'DELETE' })
  const second = await subjectsOf(own, `?limit=2&cursor=${first.next}`)
  t.deepEqual(second.subjects, ['No. 4', 'No. 3'])
  const third = await subjectsOf(own, `?limit=2&cursor=${second.next}`)
  t.deepEqual(third, { subjects: ['No. 2', 'No. 1'], next: null })
  t.deepEqual((await subjectsOf(own)).subjects, ['No. 6', 'No. 5', 'No. 4', 'No. 3', 'No. 2', 'No. 1'])
})

test('a message that is written anew is read anew', async (t) => {
  const own = await serve(t)
  await putMessage(own.data, 'same', letter('Before'), 1)
  t.deepEqual((await subjectsOf(own)).subjects, ['Before'])
  await putMessage(own.data, 'same', letter('After it'), 2)
  t.deepEqual((await subjectsOf(own)).subjects, ['After it'])
  t.is((await send(`${own.url}/outbox/same`)).json.subject, 'After it')
})

test('all messages are deleted at once, but not what is being written', async (t) => {
  const own = await serve(t)
  for (const id of ['a', 'b', 'c']) await putMessage(own.data, id, letter(id))
  await writeFile(join(own.data, 'outbox', 'd.eml.tmp'), letter('half'))
  const names = await readdir(join(own.data, 'outbox'))
  t.is((await send(`${own.url}/outbox/messages`, { method: 'DELETE' })).status, 204)
  t.deepEqual((await send(`${own.url}/outbox/messages`)).json, { messages: [], next: null, total: 0 })
  t.deepEqual(
    await readdir(join(own.data, 'outbox')),
    names.filter((name) => name.includes('.tmp')),
  )
})

test('attachments are listed, and come as they were sent', async (t) => {
  const own = await serve(t)
  const bytes = Buffer.from(Array.from({ length: 3_000 }, (_, index) => (index * 7) % 256))
  const part = (name: string, type: string, ...more: string[]) => [
    '--b',
    `Content-Type: ${type}; name="${name}"`,
    'Content-Transfer-Encoding: base64',
    ...more,
    '',
    bytes.toString('base64').replace(/.{76}/g, '$&\r\n'),
  ]
  await putMessage(
    own.data,
    'parts',
    source(
      'From: a@example.com',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      '',
      'Text',
      ...part('logo.png', 'image/png', 'Content-Disposition: inline', 'Content-ID: <logo>'),
      ...part('page.html', 'text/html', 'Content-Disposition: attachment; filename="../e\u202Evil.html"'),
      '--b--',
    ),
  )
  const { json } = await send(`${own.url}/outbox/parts`)
  t.deepEqual(json.attachments, [
    { number: 1, name: 'logo.png', type: 'image/png', size: 3_000, contentId: 'logo' },
    { number: 2, name: '../e\u202Evil.html', type: 'text/html', size: 3_000, contentId: null },
  ])
  t.is((await send(`${own.url}/outbox/messages`)).json.messages[0].attachments, 2)
  const picture = await send(`${own.url}/outbox/parts/attachments/1`)
  t.deepEqual(picture.body, bytes)
  t.is(picture.headers['content-type'], 'image/png')
  const page = await send(`${own.url}/outbox/parts/attachments/2`)
  t.deepEqual(page.body, bytes)
  t.is(page.headers['content-type'], 'application/octet-stream')
  t.is(page.headers['content-disposition'], 'attachment; filename=".._e_vil.html"')
  t.regex(page.headers['content-security-policy'] as string, /sandbox/)
  for (const number of ['0', '3', '-1', '1.5', 'x', '1e999'])
    t.like((await send(`${own.url}/outbox/parts/attachments/${number}`)).json, { code: 'PART_NOT_FOUND' })
  t.like((await send(`${own.url}/outbox/parts/html`)).json, { status: 404, code: 'PART_NOT_FOUND' })
})

test('where mail leaves by SMTP there is no outbox, and its page says so', async (t) => {
  const own = await serve(t, [], { SMTP_URL: 'smtp://127.0.0.1:9' })
  await putMessage(own.data, 'old', letter('From before'))
  for (const path of ['messages', 'old', 'old/html', 'old/source', 'old/attachments/1'])
    t.like((await send(`${own.url}/outbox/${path}`)).json, { status: 404, code: 'OUTBOX_NOT_USED' }, path)
  t.like((await send(`${own.url}/outbox/old`, { method: 'DELETE' })).json, { code: 'OUTBOX_NOT_USED' })
  t.deepEqual(await readdir(join(own.data, 'outbox')), ['old.eml'])
  t.is((await send(`${own.url}/outbox/`)).status, 200)
})

test('what a list may be asked is checked', async (t) => {
  for (const query of [
    'limit=0',
    'limit=201',
    'limit=x',
    'cursor=',
    'cursor=7',
    'cursor=7.a/b',
    'cursor=1.a&cursor=2.b',
  ])
    t.like((await get(`messages?${query}`)).json, { status: 400, code: 'BAD_QUERY' }, query)
})

test('the page is at /outbox/, and /outbox leads there', async (t) => {
  const { status, headers } = await send(`${service.url}/outbox`)
  t.deepEqual([status, headers.location], [302, 'outbox/'])
  const page = await get('')
  t.regex(page.headers['content-type']!, /^text\/html/)
  t.regex(page.text, /Outbox/)
})
