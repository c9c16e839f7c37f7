import { gzipSync } from 'node:zlib'
import test from 'ava'
import { Endings } from '../support/endings.ts'
import { post, send, type Sending } from '../support/http.ts'
import { multipart } from '../support/multipart.ts'
import { serve, type TestService } from '../support/service.ts'
import { startMailbox, type Mailbox } from '../support/smtp.ts'

const endings = new Endings()
let mailbox: Mailbox
let service: TestService
test.before(async () => {
  mailbox = await startMailbox(endings)
  service = await serve(endings, [], { SMTP_URL: mailbox.url() })
})
test.after.always(() => endings.run())

const good = { to: 'victim@example.org', subject: 'A subject', text: 'A text' }

const badAddresses = [
  'b@example.org\r\nBcc: evil@example.org',
  'b@example.org\nBcc: evil@example.org',
  'b@example.org\r\n\r\nA body',
  'b@example.org\0',
  'a@example.org,evil@example.org',
  'a@example.org;evil@example.org',
  'friends: a@example.org, evil@example.org;',
  '"evil@example.org"@example.org',
  '"a b"@example.org',
  'Mira <a@example.org>',
  '<a@example.org>',
  '<evil@example.org>a@example.org',
  'a@example.org (evil@example.org)',
  'a@[127.0.0.1]',
  'a@127.0.0.1',
  'a@localhost',
  'a@b@example.org',
  'a b@example.org',
  ' a@example.org',
  'a..b@example.org',
  '.a@example.org',
  'a@-example.org',
  'a@example..org',
  '@example.org',
  'a@',
  'a',
  '',
  `${'a'.repeat(65)}@example.org`,
  `a@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(60)}.${'f'.repeat(60)}.org`,
  'a@exam\u202Eple.org,',
  'a@example.org%0d%0aBcc:evil@example.org',
  'mïra@example.org',
  '用户@example.org',
  '"mira"@example.org',
  'undisclosed-recipients:;',
]

for (const to of badAddresses) {
  test(`mail to ${JSON.stringify(to).slice(0, 60)} is refused, alone and among others`, async (t) => {
    for (const recipients of [to, [good.to, to]]) {
      const answer = await post(`${service.url}/send-email`, { ...good, to: recipients })
      t.is(answer.status, 422)
      t.is(answer.headers['content-type'], 'application/problem+json')
      t.like(answer.json, { status: 422, code: 'BAD_ADDRESS' })
    }
    const answer = await post(`${service.url}/send-email`, { ...good, replyTo: to })
    t.like(answer.json, { status: 422, code: 'BAD_ADDRESS' })
  })
}

const long = Array.from({ length: 101 }, (_, index) => `user${index}@example.org`)
const manyKeys = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`key${index}`, index]))
const levels = (count: number) => `{"x":${'['.repeat(count - 1)}${']'.repeat(count - 1)}}`
/** It would count as one that the task owns, wherever its path leads. */
const forgedFile = {
  id: '01a1fbce-0dfc-7349-b774-3d62cfb32d38',
  name: 'x',
  type: 'text/plain',
  size: 1,
  path: '/etc/01a1fbce-0dfc-7349-b774-3d62cfb32d38',
}
const refused: [what: string, code: string, body: unknown][] = [
  ['no recipient', 'BAD_ADDRESS', { ...good, to: undefined }],
  ['null as recipient', 'BAD_ADDRESS', { ...good, to: null }],
  ['an object as recipient', 'BAD_ADDRESS', { ...good, to: { name: 'x', address: good.to } }],
  ['a list in the list', 'BAD_ADDRESS', { ...good, to: [good.to, [good.to]] }],
  ['an empty list', 'INVALID_FIELD', { ...good, to: [] }],
  ['a hundred and one recipients', 'INVALID_FIELD', { ...good, to: long }],
  ['a subject of two lines', 'INVALID_FIELD', { ...good, subject: 'x\r\nBcc: evil@example.org' }],
  ['a subject with a lone newline', 'INVALID_FIELD', { ...good, subject: 'x\nBcc: evil@example.org' }],
  ['a subject with a NUL', 'INVALID_FIELD', { ...good, subject: 'x\0' }],
  ['a subject that is too long', 'INVALID_FIELD', { ...good, subject: 'x'.repeat(901) }],
  ['a number as subject', 'INVALID_FIELD', { ...good, subject: 1 }],
  ['no subject', 'INVALID_FIELD', { ...good, subject: undefined }],
  ['no content', 'INVALID_FIELD', { ...good, text: undefined }],
  ['a file as text', 'INVALID_FIELD', { ...good, text: { path: '/etc/passwd' } }],
  ['a URL as text', 'INVALID_FIELD', { ...good, text: { href: 'http://127.0.0.1:1/' } }],
  ['a file as html', 'INVALID_FIELD', { ...good, html: { path: '/etc/passwd' } }],
  ['a list as html', 'INVALID_FIELD', { ...good, html: ['x'] }],
  ['null as text', 'INVALID_FIELD', { ...good, text: null }],
  ['text and message', 'INVALID_FIELD', { ...good, message: 'again' }],
  ['a delay that is none', 'INVALID_FIELD', { ...good, delay: 'soon' }],
  ['a negative delay', 'INVALID_FIELD', { ...good, delay: -1 }],
  ['a delay of years', 'INVALID_FIELD', { ...good, delay: 1e300 }],
  ['a list as body', 'INVALID_FIELD', [good]],
  ['a path as attachment', 'INVALID_FIELD', { ...good, attachments: [{ path: '/etc/hostname' }] }],
  ['a URL as attachment', 'INVALID_FIELD', { ...good, attachments: { href: 'http://127.0.0.1:1/' } }],
  ['an attachment in itself', 'INVALID_FIELD', { ...good, attachments: [{ content: 'x', filename: 'x' }] }],
  ['a list in the list of attachments', 'INVALID_FIELD', { ...good, attachments: [['x']] }],
  ['null as attachments', 'INVALID_FIELD', { ...good, attachments: null }],
  ['21 attachments', 'INVALID_FIELD', { ...good, attachments: long.slice(0, 21) }],
  [
    'an image by its path',
    'INVALID_FIELD',
    { ...good, html: 'x', inline: { logo: { path: '/etc/passwd' } } },
  ],
  ['a list of images', 'INVALID_FIELD', { ...good, html: 'x', inline: ['x'] }],
  ['an image with a name of its own kind', 'INVALID_FIELD', { ...good, html: 'x', inline: { '"\r\n': 'x' } }],
  ['an image, but nowhere to show it', 'INVALID_FIELD', { ...good, inline: { logo: 'x' } }],
  ['html and markdown', 'INVALID_FIELD', { ...good, html: 'x', markdown: 'x' }],
  ['markdown and a template', 'INVALID_FIELD', { ...good, template: 'x', markdown: 'x' }],
  ['html and a template', 'INVALID_FIELD', { ...good, template: 'x', html: 'x' }],
  ['an object as markdown', 'INVALID_FIELD', { ...good, markdown: { path: '/etc/passwd' } }],
  ['markdown that is too long', 'INVALID_FIELD', { ...good, markdown: 'x'.repeat(100_001) }],
  ['data without a template', 'INVALID_FIELD', { ...good, data: {} }],
  ['a list as data', 'INVALID_FIELD', { ...good, template: 'x', data: [] }],
  ['null as data', 'INVALID_FIELD', { ...good, template: 'x', data: null }],
  ['data that is no JSON', 'INVALID_FIELD', { ...good, template: 'x', data: '{"a":' }],
  ['JSON that is no object as data', 'INVALID_FIELD', { ...good, template: 'x', data: '"x"' }],
  ['data of more than 100 kB', 'INVALID_FIELD', { ...good, template: 'x', data: { x: 'x'.repeat(102_400) } }],
  ['data of many keys', 'INVALID_FIELD', { ...good, template: 'x', data: manyKeys }],
  ['data of too many levels', 'INVALID_FIELD', { ...good, template: 'x', data: JSON.parse(levels(21)) }],
  ['data of many levels, as text', 'INVALID_FIELD', { ...good, template: 'x', data: levels(10_000) }],
  ['a stored file in its data', 'INVALID_FIELD', { ...good, template: 'x', data: { x: forgedFile } }],
  ['a template that is not there', 'UNKNOWN_TEMPLATE', { ...good, template: 'nosuch' }],
  ['the path of a template', 'UNKNOWN_TEMPLATE', { ...good, template: '../queue' }],
  ['a template by its whole path', 'UNKNOWN_TEMPLATE', { ...good, template: '/etc/passwd' }],
  ['a template with a NUL', 'UNKNOWN_TEMPLATE', { ...good, template: 'a\0' }],
  ['the text of a template', 'UNKNOWN_TEMPLATE', { ...good, template: '{{constructor}}' }],
  ['a tree of a template', 'UNKNOWN_TEMPLATE', { ...good, template: { type: 'Program', body: [] } }],
  ['the layout as template', 'UNKNOWN_TEMPLATE', { ...good, template: 'layout' }],
  ['an object as address for answers', 'BAD_ADDRESS', { ...good, replyTo: { address: 'a@example.org' } }],
  ['two addresses for answers', 'BAD_ADDRESS', { ...good, replyTo: ['a@example.org', 'b@example.org'] }],
  ...[
    'http://example.org/',
    'mailto:a@example.org',
    'https://example.org/\r\nBcc: evil@example.org',
    'https://example.org/>,<https://evil.example',
    'https://user:pass@example.org/',
    `https://example.org/${'x'.repeat(900)}`,
    'javascript:alert(1)',
    '',
    null,
    ['https://example.org/'],
  ].map((listUnsubscribe): [string, string, unknown] => [
    `${JSON.stringify(listUnsubscribe).slice(0, 60)} to unsubscribe`,
    'INVALID_FIELD',
    { ...good, listUnsubscribe },
  ]),
  ...['from', 'sender', 'cc', 'bcc', 'raw', 'envelope', 'headers', 'alternatives', 'auth', 'dkim'].map(
    (field): [string, string, unknown] => [
      `a field ${field}`,
      'UNKNOWN_FIELD',
      { ...good, [field]: 'evil@example.org' },
    ],
  ),
]

for (const [what, code, body] of refused) {
  test(`a mail with ${what} is refused`, async (t) => {
    const answer = await post(`${service.url}/send-email`, body)
    t.is(answer.status, 422)
    t.is(answer.headers['content-type'], 'application/problem+json')
    t.like(answer.json, { status: 422, code })
    t.false(answer.text.includes('root:'))
  })
}

function typed(type: string, body: string | Uint8Array, headers = {}): Sending {
  return { method: 'POST', headers: { 'Content-Type': type, ...headers }, body }
}

const deep = JSON.stringify({ ...good, template: 'x' }).replace(/}$/, `,"data":${levels(400_000)}}`)
const huge = 'x'.repeat(1_100_000)
const fields = Object.entries(good).map(([name, content]) => ({ name, content }))
const malformed: [what: string, statuses: number[], codes: string[], sending: Sending][] = [
  ['JSON that is cut', [400], ['MALFORMED_BODY'], typed('application/json', '{"to": "a@ex')],
  ['JSON that is a word', [400], ['MALFORMED_BODY'], typed('application/json', 'null')],
  ['plain text', [415], ['UNSUPPORTED_MEDIA_TYPE'], typed('text/plain', JSON.stringify(good))],
  ['XML', [415], ['UNSUPPORTED_MEDIA_TYPE'], typed('application/xml', '<to/>')],
  ['no Content-Type', [415], ['UNSUPPORTED_MEDIA_TYPE'], { method: 'POST', body: JSON.stringify(good) }],
  ['JSON of many levels', [422], ['INVALID_FIELD'], typed('application/json', deep)],
  [
    'huge JSON',
    [413],
    ['BODY_TOO_LARGE'],
    typed('application/json', JSON.stringify({ ...good, text: huge })),
  ],
  [
    'huge JSON, zipped',
    [413],
    ['BODY_TOO_LARGE'],
    typed('application/json', gzipSync(JSON.stringify({ ...good, text: huge })), {
      'Content-Encoding': 'gzip',
    }),
  ],
  ['a huge form', [413], ['BODY_TOO_LARGE'], typed('application/x-www-form-urlencoded', `text=${huge}`)],
  ['a huge multipart field', [413], ['FIELD_TOO_LARGE'], multipart([{ name: 'text', content: huge }])],
  [
    'a nested form',
    [422],
    ['BAD_ADDRESS'],
    typed('application/x-www-form-urlencoded', 'to[address]=a@example.org&subject=s&text=x'),
  ],
  [
    'a multipart form with a file',
    [400, 413],
    ['UNEXPECTED_FILE', 'TOO_MANY_FILES'],
    multipart([...fields, { name: 'file', content: 'x', filename: 'x' }]),
  ],
  [
    'a multipart form that is cut',
    [400],
    ['MALFORMED_MULTIPART'],
    typed('multipart/form-data; boundary=x', '--x\r\nContent-Disp'),
  ],
  [
    'a key that reaches for the prototype',
    [400, 422],
    ['MALFORMED_BODY', 'UNKNOWN_FIELD'],
    typed('application/json', `{"__proto__": {"to": "a@example.org"}, "subject": "s", "text": "x"}`),
  ],
]

for (const [what, statuses, codes, sending] of malformed) {
  test(`a body of ${what} is refused`, async (t) => {
    const answer = await send(`${service.url}/send-email`, sending)
    t.true(statuses.includes(answer.status), `${answer.status} ${answer.text}`)
    t.is(answer.headers['content-type'], 'application/problem+json')
    t.true(codes.includes(answer.json.code), answer.text)
  })
}

test.after('of all of them nothing was stored and nothing sent', async (t) => {
  t.deepEqual((await send(`${service.url}/tasks`)).json, { tasks: [], next: null })
  const sentinel = await post(`${service.url}/send-email`, { ...good, to: 'sentinel@example.org' })
  t.is(sentinel.status, 202)
  await mailbox.mailTo('sentinel@example.org')
  t.deepEqual(mailbox.asked, ['sentinel@example.org'])
})
