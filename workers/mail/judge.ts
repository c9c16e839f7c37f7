import { TaskError } from 'afterwork/worker'
import type { NodemailerError } from 'nodemailer'

/** What follows a failure: nobody's mail can leave; this one cannot; or it may, later. */
export type Verdict = 'configuration' | 'refused' | 'later'

/** What a mail's task fails with, beside its code: what the server said, where it said something. */
export interface Reply {
  /** The reply as it came, such as `550 5.1.1 No such user`. */
  response?: string
  /** RFC 5321, 4.2: such as 550. */
  responseCode?: number
  /** RFC 3463: such as 5.1.1. */
  enhancedStatus?: string
  /** What was answered: `AUTH PLAIN`, `MAIL FROM`, `RCPT TO`, `DATA`, or CONN for the connection itself. */
  command?: string
  /** The system's or OpenSSL's own code, such as ECONNREFUSED or CERT_HAS_EXPIRED. */
  originalCode?: string
}

/** What is known of an attempt beside its error. */
export interface Circumstances {
  attempt: number
  /** Whether a byte of the message was read to be sent. */
  begun: boolean
  /** Whether all of it was: the server may have taken it. */
  handedOver: boolean
}

/** Milliseconds until the second attempt where the first said nothing at all over its connection. */
const soon = 1_000
/** Characters of a reply that are kept. */
const maxReply = 1_000

/** Replies that say who we are is not known well enough (RFC 4954, 6): a login is missing, wrong, or too weak. */
const loginReplies: readonly (number | undefined)[] = [530, 534, 535, 538]
/** What Node.js and OpenSSL call a certificate that cannot be trusted. */
const badCertificate = /CERT|ISSUER|UNABLE_TO_VERIFY|^INVALID_(CA|PURPOSE)$|HOSTNAME_MISMATCH/
/** TLS was begun with something that does not speak it: smtps: for a port that wants smtp:, or the other way round. */
const noTls = /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/
/** RFC 3463: the mailbox or its domain does not exist, or takes no mail any more. */
const noSuchMailbox = new Set(['5.1.1', '5.1.2', '5.1.3', '5.1.6', '5.1.10', '5.2.1'])
/** What servers say that give no such status. A bare 550 may as well mean that they want no mail of ours. */
const noSuchMailboxSaid =
  /no such (user|recipient|mailbox|person|address)|(user|recipient|mailbox|address) (is |was )?(unknown|not found|invalid|disabled)|(unknown|invalid) (user|recipient|mailbox|address)|(does|do) ?n[o']t exist|not exist|no mailbox/i

/**
 * What a failure to send says, by the evidence: a permanent refusal stands, a wrong login or certificate concerns all
 * mail, and everything else may go better later (docs/mail.md has the table).
 */
export function verdictOf(error: NodemailerError): Verdict {
  const { code, command, permanent, responseCode } = error
  const { originalCode = '', enhancedStatus } = replyOf(error)
  if (responseCode !== undefined && responseCode >= 400 && responseCode < 500) return 'later'
  if (code === 'EAUTH' || code === 'ENOAUTH' || code === 'ECONFIG') return 'configuration'
  if (loginReplies.includes(responseCode)) return 'configuration'
  if (badCertificate.test(originalCode) || noTls.test(originalCode)) return 'configuration'
  if (code === 'ETLS') return permanent === true ? 'configuration' : 'later'
  if (permanent === true) {
    // The sender is the same for all mail; only a message that is too large is refused there for its own sake.
    if (command === 'MAIL FROM')
      return responseCode === 552 || enhancedStatus === '5.3.4' ? 'refused' : 'configuration'
    // A greeting of 554 is about the connection, not about this mail.
    return command === 'RCPT TO' || command === 'DATA' ? 'refused' : 'later'
  }
  // It never came to a reply: no server would take such an envelope or so large a message.
  const ours = code === 'EENVELOPE' || code === 'EMESSAGE' || code === 'EFILEACCESS' || code === 'EURLACCESS'
  return ours && responseCode === undefined ? 'refused' : 'later'
}

/** Whether the server said for good that there is no such mailbox. */
export function isNoSuchMailbox({
  command,
  response = '',
  responseCode = 0,
  enhancedStatus,
}: Reply): boolean {
  if (command !== 'RCPT TO' || responseCode < 500) return false
  return enhancedStatus === undefined ? noSuchMailboxSaid.test(response) : noSuchMailbox.has(enhancedStatus)
}

/** What the task fails with: an error that says what was expected and what the server answered, and steers the retry. */
export function judge(
  error: NodemailerError,
  { attempt, begun, handedOver }: Circumstances,
): TaskError & Reply {
  const verdict = verdictOf(error)
  const reply = replyOf(error)
  const got = reply.response ?? oneLine(error.message)
  const message = `Expected ${expectedOf(error, reply, handedOver)}, got ${got}`
  const code = error.code ?? 'EUNKNOWN'
  const judged = new TaskError(message, { code, cause: error, ...steering() })
  return Object.assign(judged, reply)

  function steering() {
    if (verdict === 'configuration') return { pausePool: true }
    if (verdict === 'refused') return { retry: false } as const
    // A connection that died while it was idle is often noticed only by who uses it next.
    const unheard = attempt === 1 && !begun && reply.response === undefined && code !== 'ETIMEDOUT'
    return unheard ? { retry: soon } : {}
  }
}

function expectedOf(
  { code, command = '' }: NodemailerError,
  { originalCode = '', responseCode, response }: Reply,
  handedOver: boolean,
): string {
  if (badCertificate.test(originalCode)) return 'a certificate of the mail server that can be verified'
  if (code === 'ETLS' || noTls.test(originalCode))
    return 'the mail server to speak TLS (SMTP_URL, --smtp-tls)'
  if (code === 'EAUTH' || code === 'ENOAUTH' || loginReplies.includes(responseCode))
    return 'the mail server to accept the login of SMTP_URL'
  if (response === undefined && (code === 'EENVELOPE' || code === 'EMESSAGE'))
    return 'a message that can be sent'
  if (command === 'MAIL FROM') return 'the mail server to accept the sender'
  if (command === 'RCPT TO') return 'the mail server to accept the recipient'
  if (command === 'DATA' || handedOver) return 'the mail server to accept the message'
  return response === undefined ? 'a mail server that answers' : 'the mail server to be ready'
}

/** What the server said, in fields that are kept with the task. */
function replyOf(error: NodemailerError): Reply {
  const { command, responseCode, response } = error
  const { originalCode } = error as { originalCode?: string }
  const enhancedStatus = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '')?.[1]
  return {
    ...(typeof response === 'string' && { response: oneLine(response) }),
    ...(typeof responseCode === 'number' && { responseCode }),
    ...(enhancedStatus !== undefined && { enhancedStatus }),
    ...(command !== undefined && { command }),
    ...(typeof originalCode === 'string' && { originalCode }),
  }
}

/** What a server says ends up in logs and terminals. */
function oneLine(text: string): string {
  return text.slice(0, maxReply).replaceAll(/\p{Cc}+/gu, ' ')
}
