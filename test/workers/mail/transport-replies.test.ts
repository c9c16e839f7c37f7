import test, { type ExecutionContext } from 'ava'
import { steeringOf, type Steering } from '../../../src/core/task-error.ts'
import { startScripted, type Script } from '../../support/smtp-script.ts'
import { startMailbox, type Mailbox, type MailboxOptions } from '../../support/smtp.ts'
import type { Composed } from '../../../workers/mail/compose.ts'
import type { Reply } from '../../../workers/mail/judge.ts'
import { toServer } from '../../../workers/mail/transport-server.ts'
import type { Deliver } from '../../../workers/mail/transport.ts'
import { messageTo, sending } from './message.ts'

const to = 'mira@example.org'

function deliverTo(url: string): Deliver {
  return toServer({ url, opportunistic: false, ca: undefined, dkim: undefined })
}

async function failureOf(
  t: ExecutionContext,
  url: string,
  attempt?: number,
): Promise<Error & Reply & { code?: string; steering: Steering }> {
  const error = await t.throwsAsync(deliverTo(url)(messageTo(to), sending(attempt)))
  return Object.assign(error as Error, { steering: steeringOf(error) })
}

const later: Steering = { retry: undefined, pausePool: false }
const soon: Steering = { retry: 1_000, pausePool: false }
const never: Steering = { retry: false, pausePool: false }
const pause: Steering = { retry: undefined, pausePool: true }

type Reporting = [
  what: string,
  options: MailboxOptions,
  reply: Reply & { code: string },
  then: Steering,
  sentence: RegExp,
]

function at(stage: string, reply: string): MailboxOptions {
  return { refuse: (asked) => (asked === stage ? reply : undefined) }
}

const replies: Reporting[] = [
  [
    '550 for a recipient',
    at('rcpt', '550 5.1.1 No such user'),
    {
      code: 'EENVELOPE',
      responseCode: 550,
      enhancedStatus: '5.1.1',
      response: '550 5.1.1 No such user',
      command: 'RCPT TO',
    },
    never,
    /^Expected the mail server to accept the recipient, got 550 5\.1\.1 No such user$/,
  ],
  ...['450 4.2.0 Greylisted', '451 4.3.0 Try later', '452 4.2.2 Mailbox full'].map((reply): Reporting => [
    `${reply.slice(0, 3)} for a recipient`,
    at('rcpt', reply),
    { code: 'EENVELOPE', responseCode: Number(reply.slice(0, 3)), response: reply },
    later,
    new RegExp(`got ${reply}`),
  ]),
  ...['552 5.3.4 Message too big', '554 5.7.1 Looks like spam'].map((reply): Reporting => [
    `${reply.slice(0, 3)} after the message`,
    at('data', reply),
    { code: 'EMESSAGE', responseCode: Number(reply.slice(0, 3)), response: reply, command: 'DATA' },
    never,
    /^Expected the mail server to accept the message, got 55/,
  ]),
  [
    '451 after the message',
    at('data', '451 4.3.0 Disk is busy'),
    { code: 'EMESSAGE', responseCode: 451 },
    later,
    /451 4\.3\.0/,
  ],
  [
    '421 instead of a greeting',
    at('connect', '421 4.7.0 Too many connections'),
    { code: 'EPROTOCOL', responseCode: 421 },
    later,
    /421/,
  ],
  [
    '554 instead of a greeting',
    at('connect', '554 5.7.1 Not you'),
    { code: 'EPROTOCOL', responseCode: 554 },
    later,
    /to be ready, got 554/,
  ],
  [
    '550 for the sender',
    at('mail', '550 5.7.1 Not your domain'),
    { code: 'EENVELOPE', responseCode: 550 },
    pause,
    /to accept the sender, got 550/,
  ],
  [
    '552 for the size, asked with the sender',
    at('mail', '552 5.3.4 Too big'),
    { code: 'EENVELOPE', responseCode: 552 },
    never,
    /552/,
  ],
  [
    '530 where a login is missing',
    { login: ['PLAIN'] },
    { code: 'EENVELOPE', responseCode: 530 },
    pause,
    /login of SMTP_URL, got 530/,
  ],
]

for (const [what, options, reply, steering, sentence] of replies) {
  test(`${what}: ${steering.pausePool ? 'the pool is paused' : steering.retry === false ? 'it is not tried again' : 'it is tried again'}`, async (t) => {
    const mailbox = await startMailbox(t, options)
    const error = await failureOf(t, mailbox.url())
    t.like(error, reply)
    t.deepEqual(error.steering, steering)
    t.regex(error.message, sentence)
    t.deepEqual(mailbox.received, [])
  })
}

test('a wrong password pauses the pool, and one that cannot be checked now does not', async (t) => {
  const mailbox = await startMailbox(t, {
    refuse: (_stage, user) => (user === 'busy' ? '454 4.7.0 Try later' : undefined),
  })
  const wrong = await failureOf(t, mailbox.url('user:wrong@'))
  t.like(wrong, { code: 'EAUTH', responseCode: 535 })
  t.deepEqual(wrong.steering, pause)
  t.regex(wrong.message, /^Expected the mail server to accept the login of SMTP_URL, got 535/)
  t.false(wrong.message.includes('wrong@'))
  t.deepEqual((await failureOf(t, mailbox.url('busy:pass%20word@'))).steering, later)
})

test('a login that the server does not take is no reason to send without', async (t) => {
  const server = await startScripted(t, { AUTH: () => '502 5.5.1 Not implemented' })
  const error = await failureOf(t, server.url.replace('//', '//user:secret@'))
  t.deepEqual([error.code, error.steering], ['EAUTH', pause])
  t.deepEqual(server.whole, [])
})

for (const login of ['PLAIN', 'LOGIN', 'CRAM-MD5']) {
  test(`a login by ${login} is made`, async (t) => {
    const mailbox = await startMailbox(t, { login: [login] })
    await deliverTo(mailbox.url('user:pass%20word@'))(messageTo(to), sending())
    t.is((await mailbox.mailTo(to)).user, 'user')
  })
}

const cuts: [what: string, script: Script, code: RegExp, then: Steering, query?: string][] = [
  ['cuts the connection at once', { greeting: () => 'cut' }, /ECONNECTION|ESOCKET/, soon],
  ['cuts after EHLO', { EHLO: () => 'cut' }, /ECONNECTION|ESOCKET/, soon],
  ['cuts after MAIL', { MAIL: () => 'cut' }, /ECONNECTION|ESOCKET/, soon],
  ['cuts after RCPT', { RCPT: () => 'cut' }, /ECONNECTION|ESOCKET/, soon],
  ['cuts instead of taking the message', { message: () => 'cut' }, /ECONNECTION|ESOCKET/, later],
  ['never greets', { greeting: () => 'nothing' }, /ETIMEDOUT/, later, '?greetingTimeout=50'],
  ['never answers MAIL', { MAIL: () => 'nothing' }, /ETIMEDOUT/, later, '?socketTimeout=50'],
  [
    'never says that it has the message',
    { message: () => 'nothing' },
    /ETIMEDOUT/,
    later,
    '?socketTimeout=50',
  ],
  ['says bye in the middle', { RCPT: () => '421 4.3.2 Going down' }, /EENVELOPE|ECONNECTION/, later],
  ['greets in another language', { greeting: () => 'HTTP/1.1 400 Bad Request' }, /EPROTOCOL/, later],
]

for (const [what, script, code, steering, query = ''] of cuts) {
  test(`a server that ${what} is tried again`, async (t) => {
    const server = await startScripted(t, script)
    const error = await failureOf(t, server.url + query)
    t.regex(error.code ?? '', code)
    t.deepEqual(error.steering, steering)
    t.deepEqual(server.taken, [])
    // What had said nothing the first time is not asked every second from then on.
    t.deepEqual((await failureOf(t, server.url + query, 2)).steering, later)
  })
}

/** One that is composed at once, and one that is streamed. */
const kinds: [kind: string, message: Composed][] = [
  ['a message of texts', messageTo(to)],
  ['a streamed message', messageTo(to, { headers: { 'X-Kind': 'streamed' } })],
]

for (const [kind, message] of kinds) {
  test(`${kind} that may have been taken is the same, byte by byte, when it is sent again`, async (t) => {
    const server = await startScripted(t, { message: (times) => (times === 0 ? 'cut' : undefined) })
    const deliver = deliverTo(server.url)
    const error = await t.throwsAsync(deliver(message, sending()))
    t.regex(error!.message, /^Expected the mail server to accept the message, got Connection closed/)
    const sent = await deliver(message, sending(2))
    t.like(sent, {
      to,
      messageId: '<mira@example.com>',
      response: '250 2.0.0 taken',
      server: server.url.slice(7),
    })
    t.is(server.whole.length, 2)
    t.is(server.whole[0], server.whole[1])
  })
}

test('greylisting: the second attempt is taken', async (t) => {
  const mailbox = await startMailbox(t, {
    refuse: (stage, _of, times) => (stage === 'rcpt' && times === 0 ? '450 4.7.1 Greylisted' : undefined),
  })
  const deliver = deliverTo(mailbox.url())
  await t.throwsAsync(deliver(messageTo(to), sending()), { message: /450 4\.7\.1 Greylisted/ })
  await deliver(messageTo(to), sending(2))
  t.is(mailbox.received.length, 1)
})

test('no server at all is tried again', async (t) => {
  const mailbox = await startMailbox(t)
  const url = mailbox.url()
  await mailbox.close()
  const error = await failureOf(t, url)
  t.like(error, { code: 'ESOCKET', originalCode: 'ECONNREFUSED' })
  t.deepEqual(error.steering, soon)
  t.regex(error.message, /^Expected a mail server that answers, got connect ECONNREFUSED/)
})

test('connections are kept and shared, and a server that comes back is used again', async (t) => {
  const first = await startMailbox(t)
  const deliver = deliverTo(first.url())
  for (const name of ['a', 'b', 'c']) await deliver(messageTo(`${name}@example.org`), sending())
  t.is(first.connections, 1)
  const { port } = first
  await first.close()
  await t.throwsAsync(deliver(messageTo('d@example.org'), sending()))
  const second: Mailbox = await startMailbox(t, { port })
  await deliver(messageTo('d@example.org'), sending(2))
  t.deepEqual([first.received.length, second.received.length], [3, 1])
})

test('a connection that is idle is closed', async (t) => {
  const mailbox = await startMailbox(t)
  await deliverTo(`${mailbox.url()}?idleTimeout=20`)(messageTo(to), sending())
  await mailbox.untilOpen(0)
  t.is(mailbox.connections, 1)
})

test('as many messages go at a time as there are tasks, and what a server takes its time for adds up once', async (t) => {
  const server = await startScripted(t, {}, 20)
  const deliver = deliverTo(server.url)
  const names = Array.from({ length: 20 }, (_, index) => `to${index}@example.org`)
  await Promise.all(names.map((name) => deliver(messageTo(name), sending())))
  t.is(server.taken.length, 20)
  t.is(server.times('greeting'), 20)
})

for (const [kind, message] of kinds) {
  test(`${kind} that is stopped before it is on its way sends nothing`, async (t) => {
    const mailbox = await startMailbox(t)
    const stop = new AbortController()
    const reason = new Error('stopping')
    const server = await startScripted(t, {
      RCPT: () => {
        stop.abort(reason)
        return 'nothing'
      },
    })
    const error = await t.throwsAsync(deliverTo(server.url)(message, { signal: stop.signal, attempt: 1 }))
    t.is(error, reason)
    t.deepEqual(server.whole, [])
    await t.throwsAsync(deliverTo(mailbox.url())(message, { signal: stop.signal, attempt: 1 }), {
      is: reason,
    })
    t.is(mailbox.connections, 0)
  })

  test(`${kind} that is stopped when all of it is on its way waits for the answer`, async (t) => {
    const stop = new AbortController()
    const server = await startScripted(t, {
      message: () => {
        stop.abort(new Error('stopping'))
        return undefined
      },
    })
    const sent = await deliverTo(server.url)(message, { signal: stop.signal, attempt: 1 })
    t.is(sent.response, '250 2.0.0 taken')
  })
}
