import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import test from 'ava'
import fc from 'fast-check'
import { createTransport } from 'nodemailer'
import DataStream from 'nodemailer/lib/smtp-connection/data-stream'
import type { Composed } from '../../../workers/mail/compose.ts'
import { wholeMessage } from '../../../workers/mail/whole-message.ts'
import { messageTo } from './message.ts'

const to = 'mira@example.org'
const transport = createTransport({ streamTransport: true })

/** What a server gets of a message. */
async function wire(message: Readable): Promise<string> {
  return (await buffer(message.pipe(new DataStream()))).toString('latin1')
}

/** The same of one that nodemailer composed, and what else it makes of it. */
async function streamed(message: Composed) {
  const { message: stream, envelope, messageId } = await transport.sendMail(message)
  return { wire: await wire(stream as Readable), envelope, messageId }
}

const plainWords = ['a', 'Hello', 'lorem,', 'foo=bar', '.', '..x', 'x'.repeat(80)]
const oddWords = [
  '"quoted"',
  '=?utf-8?Q?x?=',
  'wörld',
  'é'.repeat(30),
  'Привет',
  '世界',
  '🎉',
  '<b>',
  'tab\there',
]
const ends = ['\n', '\r\n', '\r', '\n\n', ' ', ' ', '  ', '']
const anyOf = (values: readonly string[]) => fc.constantFrom(...values)
const plainText = fc.array(fc.tuple(anyOf(plainWords), anyOf(ends)), { maxLength: 40 })
const anyText = fc.array(fc.tuple(anyOf([...plainWords, ...oddWords]), anyOf(ends)), {
  maxLength: 60,
  size: 'max',
})
const text = fc.oneof(plainText, anyText).map((pieces) => pieces.flat().join(''))
const address = anyOf([
  to,
  'Reader.One+x@Example.TEST',
  '"odd one"@example.org',
  'ü@example.org',
  'x@bücher.example',
  'a@[192.0.2.1]',
  'a@192.0.2.1',
  'x@0x7f.1',
  'a..b@example.org',
  "o'neil@example.org",
  'x@a--b.com',
  `${'long-'.repeat(12)}x@${'sub.'.repeat(10)}example.org`,
])
const from = anyOf([
  'shop@example.com',
  'SHOP@EXAMPLE.COM',
  'Shop <shop@example.com>',
  '"The, Shop" <shop@example.com>',
  'Größe <shop@bücher.example>',
  `${'A long name '.repeat(9)}<shop@example.com>`,
])
const message = fc.record(
  {
    from,
    to: address.map((address) => ({ name: '', address })),
    subject: text.map((text) => `s${text.replace(/[\r\n]/g, ' ')}`),
    messageId: anyOf(['example.com', 'bücher.example', `${'x'.repeat(70)}.example`]).map((at) => `<1@${at}>`),
    text,
    html: text,
    replyTo: address.map((address) => ({ name: '', address })),
  },
  { requiredKeys: ['from', 'to', 'subject', 'messageId'] },
)

test('what is composed at once is to the byte what nodemailer streams', async (t) => {
  let compared = 0
  const same = fc.asyncProperty(message, async (fields) => {
    const composed: Composed = { ...messageTo(to), text: '', ...fields }
    const whole = wholeMessage(composed)
    if (whole === undefined) return
    const { wire: expected, envelope, messageId } = await streamed(structuredClone(composed))
    t.is(await wire(whole.createReadStream()), expected)
    t.deepEqual([whole.getEnvelope(), whole.messageId()], [envelope, messageId])
    compared++
  })
  await fc.assert(same, { seed: 1, numRuns: 1_000 })
  t.true(compared > 500, `${compared} were composed at once`)
})

test('texts in any language, and pages, are composed at once', (t) => {
  for (const more of [
    { text: 'One line\n.\nand another' },
    { text: `${'A long line with Grüße. '.repeat(20)}\n` },
    { text: 'Привет, мир'.repeat(20) },
    { text: 'Hello', html: `<p>${'Hello '.repeat(100)}</p>` },
    { replyTo: { name: '', address: 'help@example.com' } },
  ])
    t.truthy(wholeMessage(messageTo(to, more)), JSON.stringify(more))
})

test('what has more than texts, or long ones, is left to nodemailer', (t) => {
  for (const more of [
    { attachments: [{ filename: 'a', content: Readable.from(['x']) }] },
    { headers: { 'X-Original-To': 'other@example.org' } },
    { list: { unsubscribe: 'https://example.com/u' } },
    { text: 'x\n'.repeat(20_000) },
    { text: '' },
    { subject: '' },
    { to: { name: '', address: '' } },
  ])
    t.is(wholeMessage(messageTo(to, more)), undefined, Object.keys(more)[0])
})

test('no field of a message composed at once adds a header or a recipient', async (t) => {
  const evil = 'x\r\nBcc: evil@example.org\r\n\r\nbody'
  const whole = wholeMessage(
    messageTo(`a@example.org>\r\nRCPT TO:<${to}`, {
      subject: evil,
      replyTo: { name: evil, address: evil },
      messageId: `<${evil}>`,
    }),
  )!
  const [head = ''] = (await wire(whole.createReadStream())).split('\r\n\r\n')
  t.notRegex(head, /^Bcc:/m)
  t.is(whole.getEnvelope().to.length, 1)
  t.notRegex(whole.getEnvelope().to[0]!, /[\r\n<>]/)
})
