import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { Endings } from '../support/endings.ts'
import { send, type Answer } from '../support/http.ts'
import { letter, putMessage, source } from '../support/outbox.ts'
import { serve, type TestService } from '../support/service.ts'

const endings = new Endings()
let service: TestService
test.before(async () => {
  service = await serve(endings)
  await putMessage(service.data, 'good', letter('Good'))
})
test.after.always(() => endings.run())

const get = (path: string): Promise<Answer> => send(`${service.url}/outbox/${path}`)

/** A message of this HTML, with a picture of the content id `logo@shop`. */
function withHtml(html: string): string {
  return source(
    'From: a@example.com',
    'Subject: HTML',
    'Content-Type: multipart/related; boundary=b',
    '',
    '--b',
    'Content-Type: text/html; charset=utf-8',
    '',
    html,
    '--b',
    'Content-Type: image/png',
    'Content-ID: <logo@shop>',
    'Content-Transfer-Encoding: base64',
    '',
    'iVBORw0KGgo=',
    '--b--',
  )
}

test('only files that are named as messages are seen, and no other can be asked for', async (t) => {
  const own = await serve(t)
  await putMessage(own.data, 'good', letter('Good'))
  for (const name of ['half.eml.tmp', 'a b.eml', 'a.b.eml', '.eml', 'readme.txt', `${'x'.repeat(101)}.eml`])
    await writeFile(join(own.data, 'outbox', name), letter('Bad'))
  await mkdir(join(own.data, 'outbox', 'folder.eml'))
  await writeFile(join(own.data, 'secret.eml'), letter('Secret'))
  await symlink('/nowhere', join(own.data, 'outbox', 'dangling.eml'))
  const { messages, total } = (await send(`${own.url}/outbox/messages`)).json
  t.deepEqual(
    messages.map(({ id }: { id: string }) => id),
    ['good'],
  )
  t.is(total, 1)
  for (const id of [
    '..%2fsecret',
    '%2e%2e%2fsecret',
    'a%20b',
    'a.b',
    'folder',
    'good%00',
    'half.eml',
    '__proto__',
  ])
    for (const part of ['', '/html', '/source', '/attachments/1']) {
      const { status, json } = await send(`${own.url}/outbox/${id}${part}`)
      t.deepEqual([status, json.code], [404, 'MESSAGE_NOT_FOUND'], id + part)
    }
  t.is((await send(`${own.url}/outbox/..%2fsecret`, { method: 'DELETE' })).status, 404)
  t.is((await send(`${own.url}/outbox/../secret/source`)).status, 404)
})

test('HTML comes in a sandbox in which nothing runs and nothing is loaded', async (t) => {
  await putMessage(
    service.data,
    'html',
    withHtml(`<!DOCTYPE html><html><head><base href="https://evil.example/"></head><body>
<img src="cid:logo@shop"><img src='CID:logo%40shop'><td background=cid:logo@shop style="background: url( cid:logo@shop )">
<img src="cid:unknown"><p>cid:logo@shop</p><img src="https://evil.example/a.gif"><img src=//evil.example/b.gif>
<p style="background:url(http://evil.example/c.gif)"><img src="https://evil.example/a.gif"><a href="https://evil.example/d">d</a>
<script>alert(1)</script></body></html>`),
  )
  const { headers, text } = await get('html/html')
  const policy = headers['content-security-policy'] as string
  t.regex(policy, /^sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; /)
  t.regex(policy, /img-src data:$/)
  t.regex(policy, /frame-ancestors 'self'/)
  t.notRegex(policy, /script|allow-same-origin|allow-forms/)
  t.is(headers['x-content-type-options'], 'nosniff')
  t.is(headers['referrer-policy'], 'no-referrer')
  t.is(headers['cache-control'], 'no-store')
  t.is(headers['cross-origin-resource-policy'], 'same-origin')
  t.true(text.startsWith('<!DOCTYPE html><base target="_blank">'))
  t.is(text.split('data:image/png;base64,iVBORw0KGgo=').length, 5)
  t.regex(text, /cid:unknown/)
  t.regex(text, /<p>cid:logo@shop<\/p>/)
  t.is((await get('html')).json.remote, 3)
  const remote = await get('html/html?images=remote')
  t.regex(remote.headers['content-security-policy'] as string, /img-src data: https: http:$/)
})

test('a body of megabytes of what the patterns look for is answered like any other', async (t) => {
  const bombs = [
    'src=' + ' '.repeat(500_000),
    'src="cid:'.repeat(100_000),
    '<'.repeat(500_000),
    'url('.repeat(200_000),
  ]
  for (const [index, bomb] of bombs.entries()) {
    await putMessage(service.data, `bomb-${index}`, withHtml(bomb))
    t.is((await get(`bomb-${index}/html`)).status, 200)
    t.is((await get(`bomb-${index}`)).json.unreadable, null)
  }
  t.is((await get('messages')).status, 200)
})

test('pictures are put into the body only as often as is bearable', async (t) => {
  const picture = Buffer.alloc(1024 ** 2, 7)
    .toString('base64')
    .replace(/.{76}/g, '$&\r\n')
  const message = withHtml('<img src="cid:logo@shop">'.repeat(1_000)).replace('iVBORw0KGgo=', picture)
  await putMessage(service.data, 'repeated', message)
  const { status, body } = await get('repeated/html')
  t.is(status, 200)
  t.true(body.length < 40 * 1024 ** 2)
})

test('what is no message, or would take too much memory, is there as source', async (t) => {
  const subject = 'Subject: Kept'
  const cases: Record<string, [content: string | Buffer, why: RegExp]> = {
    empty: ['', /headers/],
    garbage: [Buffer.from(Array.from({ length: 5_000 }, (_, index) => (index * 89) % 256)), /headers/],
    lines: [source(subject, '', '\n'.repeat(1_000_000)), /50,000 lines/],
    headers: [source(subject, 'a: a longer value\r\n'.repeat(40_000)), /header/],
    nested: [
      source(
        subject,
        ...Array.from(
          { length: 100 },
          (_, level) => `Content-Type: multipart/mixed; boundary=b${level}\r\n\r\n--b${level}`,
        ),
      ),
      /nesting/,
    ],
    huge: [Buffer.concat([Buffer.from(`${subject}\r\n\r\n`), Buffer.alloc(51 * 1024 ** 2, 'x')]), /50 MB/],
  }
  for (const [id, [content, why]] of Object.entries(cases)) {
    await putMessage(service.data, id, content)
    const { status, json } = await get(id)
    t.is(status, 200, id)
    t.regex(json.unreadable, why, id)
    t.like(json, { text: null, html: false, attachments: [] }, id)
    t.is((await get(`${id}/source`)).body.length, content.length, id)
    t.like((await get(`${id}/html`)).json, { status: 422, code: 'MESSAGE_UNREADABLE' }, id)
  }
  t.is((await get('lines')).json.subject, 'Kept')
  t.is((await get('huge')).json.subject, 'Kept')
  const { messages } = (await get('messages')).json
  for (const id of Object.keys(cases))
    t.true(
      messages.some((message: { id: string }) => message.id === id),
      id,
    )
})

test('a nested message is an attachment and none of its own parts are ours', async (t) => {
  const inner = source('From: x@example.com', 'Content-Type: text/html', '', '<p>inner</p>')
  await putMessage(
    service.data,
    'outer',
    source('From: a@example.com', 'Content-Type: multipart/mixed; boundary=b', '', '--b', '', 'outer') +
      source('', '--b', 'Content-Type: message/rfc822', '', inner, '--b--'),
  )
  const { json } = await get('outer')
  t.like(json, { html: false, text: 'outer\n' })
  t.is(json.attachments.length, 1)
  t.is(json.attachments[0].type, 'message/rfc822')
})

test('with a token nobody reads or deletes without it, and no page of another site deletes', async (t) => {
  const own = await serve(t, [], { AFTERWORK_TOKEN: 'a-token-of-some-length-123' })
  await putMessage(own.data, 'good', letter('Good'))
  const authorization = { Authorization: 'Bearer a-token-of-some-length-123' }
  for (const path of ['messages', 'good', 'good/html', 'good/source', 'good/attachments/1'])
    t.is((await send(`${own.url}/outbox/${path}`)).status, 401, path)
  for (const path of ['good', 'messages']) {
    const url = `${own.url}/outbox/${path}`
    t.is((await send(url, { method: 'DELETE' })).status, 401)
    const headers = { ...authorization, 'Sec-Fetch-Site': 'cross-site' }
    t.like((await send(url, { method: 'DELETE', headers })).json, { code: 'CROSS_SITE' })
  }
  t.is((await send(`${own.url}/outbox/good`, { headers: authorization })).json.subject, 'Good')
})
