import { join } from 'node:path'
import test from 'ava'
import { steeringOf } from '../../../src/core/task-error.ts'
import { startScripted } from '../../support/smtp-script.ts'
import { certificates, startMailbox } from '../../support/smtp.ts'
import { needsStartTls, toServer } from '../../../workers/mail/transport-server.ts'
import { messageTo, sending } from './message.ts'

const ca = join(certificates, 'ca.pem')
const to = 'mira@example.org'
const user = 'user:pass%20word@'
function deliverTo(url: string, trusted: string | undefined = ca, opportunistic = false) {
  return toServer({ url, opportunistic, ca: trusted, dkim: undefined })
}

for (const tls of ['starttls', 'implicit'] as const) {
  for (const host of ['127.0.0.1', 'localhost']) {
    test(`mail goes over ${tls} TLS to ${host}, whose certificate is verified`, async (t) => {
      const mailbox = await startMailbox(t, { tls })
      await deliverTo(mailbox.url(user, host))(messageTo(to), sending())
      const { user: name, raw } = await mailbox.mailTo(to)
      t.is(name, 'user')
      t.regex(raw, /Subject: /)
    })
  }

  test(`a certificate of nobody that is trusted pauses the pool: ${tls}`, async (t) => {
    const mailbox = await startMailbox(t, { tls })
    const deliver = toServer({ url: mailbox.url(user), opportunistic: true, ca: undefined, dkim: undefined })
    const error = await t.throwsAsync(deliver(messageTo(to), sending()))
    t.like(error, { code: 'ESOCKET' })
    t.regex(error!.message, /^Expected a certificate of the mail server that can be verified, got /)
    t.deepEqual(steeringOf(error), { retry: undefined, pausePool: true })
    t.deepEqual(mailbox.received, [])
  })

  test(`a certificate for another host pauses the pool: ${tls}`, async (t) => {
    const mailbox = await startMailbox(t, { tls, certificate: 'elsewhere' })
    const error = await t.throwsAsync(deliverTo(mailbox.url(user))(messageTo(to), sending()))
    t.like(error, { originalCode: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    t.true(steeringOf(error).pausePool)
    t.deepEqual(mailbox.received, [])
  })
}

test('STARTTLS that is promised and refused, or not spoken, sends nothing', async (t) => {
  const offer = { EHLO: () => '250-here\r\n250 STARTTLS' }
  const cases = [
    { answer: '454 4.7.0 Not now', pausePool: false },
    { answer: '502 5.5.1 Not implemented', pausePool: true },
    { answer: '220 go on\r\n250 or not', pausePool: false },
    { answer: 'cut', pausePool: false },
  ]
  for (const { answer, pausePool } of cases) {
    const server = await startScripted(t, { ...offer, STARTTLS: () => answer })
    const url = `${server.url}?greetingTimeout=300`
    const error = await t.throwsAsync(deliverTo(url)(messageTo(to), sending()), undefined, answer)
    t.is(steeringOf(error).pausePool, pausePool, answer)
    t.deepEqual(server.whole, [], answer)
  }
})

test('smtps: to a port that does not speak TLS pauses the pool', async (t) => {
  const mailbox = await startMailbox(t)
  const error = await t.throwsAsync(
    deliverTo(mailbox.url().replace('smtp:', 'smtps:'))(messageTo(to), sending()),
  )
  t.true(steeringOf(error).pausePool)
  t.regex(error!.message, /^Expected the mail server to speak TLS/)
})

test('where TLS is a must, a server without gets neither a password nor a message', async (t) => {
  const mailbox = await startMailbox(t, { login: ['PLAIN'] })
  const error = await t.throwsAsync(
    deliverTo(`${mailbox.url(user)}?requireTLS=true`)(messageTo(to), sending()),
  )
  t.like(error, { code: 'ETLS' })
  t.true(steeringOf(error).pausePool)
  t.regex(error!.message, /^Expected the mail server to speak TLS/)
  t.deepEqual(mailbox.received, [])
})

test('a password goes to no other host without TLS, whatever is configured', async (t) => {
  const mailbox = await startMailbox(t, { login: ['PLAIN'] })
  // Not one of the names of this machine that are known to be it, and it is.
  const url = mailbox.url(user, '0.0.0.0')
  const error = await t.throwsAsync(deliverTo(url, ca, true)(messageTo(to), sending()))
  t.like(error, { code: 'ETLS' })
  t.true(steeringOf(error).pausePool)
  const local = mailbox.url(user)
  t.is((await deliverTo(local, ca, true)(messageTo(to), sending())).to, to)
})

const musts: [url: string, opportunistic: boolean, must: boolean][] = [
  ['smtp://mail.example.com', false, true],
  ['smtp://mail.example.com', true, false],
  ['smtp://user:secret@mail.example.com', true, true],
  ['smtp://10.0.0.7', false, true],
  ['smtp://localhost.example.com', false, true],
  ['smtp://127.0.0.1.example.com', false, true],
  ['smtp://user:secret@localhost', false, false],
  ['smtp://user:secret@127.0.0.1:2525', false, false],
  ['smtp://user:secret@[::1]:2525', false, false],
  ['smtps://user:secret@mail.example.com', false, false],
]

for (const [url, opportunistic, must] of musts) {
  const tls = opportunistic ? 'opportunistic' : 'required'
  test(`${url} with TLS ${tls} ${must ? 'needs' : 'does not need'} STARTTLS`, (t) => {
    t.is(needsStartTls(url, opportunistic), must)
  })
}
