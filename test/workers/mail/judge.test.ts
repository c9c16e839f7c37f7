import test from 'ava'
import type { NodemailerError } from 'nodemailer'
import { isNoSuchMailbox, judge, verdictOf, type Verdict } from '../../../workers/mail/judge.ts'

function errorOf(fields: Partial<NodemailerError> & { originalCode?: string }): NodemailerError {
  const { responseCode } = fields
  const permanent = responseCode !== undefined && responseCode >= 500 && responseCode !== 503
  return Object.assign(new Error('it failed'), { permanent }, fields) as NodemailerError
}

const verdicts: [fields: Parameters<typeof errorOf>[0], verdict: Verdict][] = [
  [{ code: 'EENVELOPE', command: 'RCPT TO', responseCode: 550 }, 'refused'],
  [{ code: 'EENVELOPE', command: 'RCPT TO', responseCode: 503 }, 'later'],
  [{ code: 'EENVELOPE', command: 'RCPT TO', responseCode: 450 }, 'later'],
  [{ code: 'EMESSAGE', command: 'DATA', responseCode: 554 }, 'refused'],
  [{ code: 'EENVELOPE' }, 'refused'],
  [{ code: 'EMESSAGE', command: 'MAIL FROM' }, 'refused'],
  [{ code: 'ECONNECTION' }, 'later'],
  [{ code: 'ESOCKET', originalCode: 'ECONNRESET' }, 'later'],
  [{ code: 'ETIMEDOUT' }, 'later'],
  [{ code: 'EDNS' }, 'later'],
  [{ code: 'ESTREAM' }, 'later'],
  [{ code: 'EAUTH', responseCode: 535 }, 'configuration'],
  [{ code: 'EAUTH' }, 'configuration'],
  [{ code: 'EAUTH', responseCode: 454 }, 'later'],
  [{ code: 'ECONFIG' }, 'configuration'],
  [{ code: 'EENVELOPE', command: 'MAIL FROM', responseCode: 530 }, 'configuration'],
  [{ code: 'ESOCKET', originalCode: 'CERT_HAS_EXPIRED' }, 'configuration'],
  [{ code: 'ESOCKET', originalCode: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'configuration'],
  [{ code: 'ESOCKET', originalCode: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, 'configuration'],
  [{ code: 'ETLS', responseCode: 502 }, 'configuration'],
  [{ code: 'ETLS' }, 'later'],
  [{ code: 'EPROTOCOL', command: 'CONN', responseCode: 554 }, 'later'],
  [{}, 'later'],
]

for (const [fields, verdict] of verdicts) {
  test(`${JSON.stringify(fields)} is ${verdict}`, (t) => t.is(verdictOf(errorOf(fields)), verdict))
}

const replies: [response: string, gone: boolean][] = [
  ['550 5.1.1 No such user', true],
  ['550-5.1.1 The email account that you tried to reach does not exist.\n550 5.1.1 Please try', true],
  ['550 5.1.10 RESOLVER.ADR.RecipientNotFound', true],
  ['550 5.2.1 The mailbox is disabled', true],
  ['550 No such user', true],
  ["550 Mailbox doesn't exist", true],
  ['553 unknown recipient', true],
  ['550 5.7.1 Relaying denied', false],
  ['550 relay not permitted', false],
  ['550 Blocked, see http://example.org', false],
  ['552 5.2.2 Mailbox full', false],
  ['554 5.7.1 No such policy that lets you in', false],
]

for (const [response, gone] of replies) {
  test(`${JSON.stringify(response)} says that a mailbox is ${gone ? 'gone' : 'there'}`, (t) => {
    const responseCode = Number(response.slice(0, 3))
    const judged = judge(errorOf({ code: 'EENVELOPE', command: 'RCPT TO', responseCode, response }), {
      attempt: 1,
      begun: false,
      handedOver: false,
    })
    t.is(isNoSuchMailbox(judged), gone)
    // The same words about a message say nothing of the mailbox.
    t.false(isNoSuchMailbox(Object.assign(judged, { command: 'DATA' })))
  })
}

test('what a server says is kept on one line and bounded', (t) => {
  const response = `550 5.1.1 a\r\nb\u001B[31m${'x'.repeat(100_000)}`
  const { message } = judge(errorOf({ code: 'EENVELOPE', command: 'RCPT TO', responseCode: 550, response }), {
    attempt: 1,
    begun: false,
    handedOver: false,
  })
  t.true(message.length < 1_200)
  t.notRegex(message, /\p{Cc}/u)
})
