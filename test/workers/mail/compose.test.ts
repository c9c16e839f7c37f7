import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredFile } from 'afterwork/worker'
import test from 'ava'
import { Endings } from '../../support/endings.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { bytesOf, composed, isRetried, stream } from './composing.ts'

const endings = new Endings()
let folder: string
test.before(async () => {
  folder = await temporaryFolder(endings)
})
test.after.always(() => endings.run())

async function stored(id: string, content: string | Uint8Array): Promise<StoredFile> {
  const path = join(folder, id)
  await writeFile(path, content)
  return { id, name: id, type: 'text/plain', size: content.length, path }
}

const welcome = { name: 'Mira', confirmUrl: 'https://example.com/confirm?a=1&b=2', logo: 'The shop' }

async function everything() {
  return {
    replyTo: 'support@example.com',
    template: 'welcome',
    data: welcome,
    listUnsubscribe: 'https://example.com/unsubscribe?for=mira&list=news',
    attachments: [
      { file: await stored('logo', 'an image'), name: 'logo.png', type: 'image/png', cid: 'logo' },
      { file: await stored('terms', 'x'.repeat(200_000)), name: 'Größe & Maße.txt', type: 'text/plain' },
    ],
  }
}

test('the same message gives the same bytes, whatever it has', async (t) => {
  const message = await everything()
  const first = await bytesOf(message, 'same')
  t.deepEqual(await bytesOf(message, 'same'), first)
  t.notDeepEqual(await bytesOf(message, 'other'), first)
  const markdown = { subject: 'x', markdown: '# Hi\n\n![](cid:logo)', attachments: message.attachments }
  t.deepEqual(await bytesOf(markdown, 'same'), await bytesOf(markdown, 'same'))
})

test('a message with all there is arrives with all of it', async (t) => {
  const { from, to, replyTo, subject, html, text, attachments, headers, messageId, date } = await composed(
    await everything(),
    'all',
  )
  t.deepEqual(from, { name: 'The, Shop', address: 'shop@example.com' })
  t.deepEqual(to, [{ name: '', address: 'mira@example.org' }])
  t.deepEqual(replyTo, [{ name: '', address: 'support@example.com' }])
  t.is(subject, 'Welcome, Mira')
  t.is(messageId, '<all@example.com>')
  t.is(Date.parse(date!), Date.parse('2026-11-21T10:00:00Z'))
  t.regex(html!, /<img src="cid:logo.all@example.com"/)
  t.regex(text!, /^The shop\n\n\nWelcome, Mira\n/)
  t.deepEqual(
    attachments.map(({ filename, mimeType, disposition, contentId }) => [
      filename,
      mimeType,
      disposition,
      contentId,
    ]),
    [
      ['logo.png', 'image/png', 'inline', '<logo.all@example.com>'],
      ['Größe & Maße.txt', 'text/plain', 'attachment', undefined],
    ],
  )
  const header = (name: string) => headers.find(({ key }) => key === name)?.value
  t.is(header('list-unsubscribe'), '<https://example.com/unsubscribe?for=mira&list=news>')
  t.is(header('list-unsubscribe-post'), 'List-Unsubscribe=One-Click')
})

test('a URL to unsubscribe of 900 characters and signs of all kinds arrives whole', async (t) => {
  const url = new URL(`https://example.com/ä/(a);b=c,d?x=${'%41'.repeat(200)}&y='"*&z=1`).href.padEnd(
    900,
    'p',
  )
  const { headers } = await composed({ subject: 's', text: 't', listUnsubscribe: url })
  t.is(headers.find(({ key }) => key === 'list-unsubscribe')?.value.replace(/\s/g, ''), `<${url}>`)
})

const names = [
  `${'a long name '.repeat(20)}.pdf`,
  `${'Größe 世界 🎉 '.repeat(18)}.pdf`,
  `quotes " and \\ and ; and = and %41 and '.pdf`,
  'two  spaces and a tab.pdf',
  '.pdf',
  'مرحبا שלום.pdf',
]

for (const name of names) {
  test(`an attachment called ${JSON.stringify(name).slice(0, 50)} arrives under its whole name`, async (t) => {
    const file = await stored(`name-${names.indexOf(name)}`, 'x')
    const attachments = [{ file, name, type: 'application/pdf' }]
    const bytes = await bytesOf({ subject: 's', text: 't', attachments })
    for (const line of bytes.toString('latin1').split('\r\n')) t.true(line.length <= 998)
    const email = await composed({ subject: 's', text: 't', attachments })
    t.is(email.attachments[0]!.filename, name)
  })
}

test('no text of a message adds a header or a recipient', async (t) => {
  const evil = 'x\r\nBcc: evil@example.org\r\n\r\nand a body'
  const file = await stored('evil', 'x')
  const email = await composed({
    subject: evil,
    text: evil,
    replyTo: evil,
    listUnsubscribe: `https://example.com/${evil}`,
    attachments: [{ file, name: evil, type: `text/plain; x=${evil}` }],
  })
  t.is(email.bcc, undefined)
  t.false(email.headers.some(({ key, value }) => key === 'bcc' || value.includes('\n')))
  t.is(email.attachments.length, 1)
  t.deepEqual(email.to, [{ name: '', address: 'mira@example.org' }])
})

test('an image that the message does not bring fails it for good', async (t) => {
  const file = await stored('one', 'x')
  const attachments = [{ file, name: 'one.png', type: 'image/png', cid: 'one' }]
  for (const html of [
    '<img src="cid:other">',
    "<img alt=x src='cid:other'>",
    '<img src=cid:other>',
    '<td style="background:url(cid:other)">x',
    '<img src="cid:one"><img src="cid:onetwo">',
  ]) {
    const error = await t.throwsAsync(bytesOf({ subject: 's', html, attachments }), { code: 'UNKNOWN_IMAGE' })
    t.false(isRetried(error))
  }
  const { html } = await composed({
    subject: 's',
    html: '<p>cid:other and cid:one</p><img src="cid:one">',
    attachments,
  })
  t.regex(html!, /cid:other and cid:one.*<img src="cid:one\.an-id@example\.com">/)
})

test('a text that is given is the text part, and html alone brings one of its own', async (t) => {
  const html = '<h1>Hello</h1><p>A <a href="https://example.org/x">link</a></p>'
  t.is((await composed({ subject: 's', html })).text?.trim(), 'Hello\n\nA link <https://example.org/x>')
  t.is((await composed({ subject: 's', html, text: 'mine' })).text?.trim(), 'mine')
  const markdown = await composed({ subject: 's', markdown: '# Hello\n\n*you*', text: 'mine' })
  t.is(markdown.text?.trim(), 'mine')
  t.regex(markdown.html!, /<h1>Hello<\/h1>\n<p><em>you<\/em><\/p>/)
  const template = await composed({ template: 'welcome', data: { ...welcome, logo: '' }, text: 'mine' })
  t.is(template.text?.trim(), 'mine')
})

test('an attachment is streamed: memory does not grow with what is attached', async (t) => {
  const file = await stored('large', '')
  await truncate(file.path, 24 * 1024 ** 2)
  const attachments = [{ file, name: 'large', type: 'application/octet-stream' }]
  let [bytes, longest] = [0, 0]
  await stream({ subject: 's', text: 't', attachments }, (piece) => {
    bytes += piece.length
    longest = Math.max(longest, piece.length)
  })
  t.true(bytes > 32 * 1024 ** 2)
  t.true(longest < 1024 ** 2, `a piece of ${longest} bytes`)
})
