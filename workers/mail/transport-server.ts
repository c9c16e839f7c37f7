import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { Readable } from 'node:stream'
import { getCACertificates } from 'node:tls'
import { createTransport, type NodemailerError } from 'nodemailer'
import type MailMessage from 'nodemailer/lib/mailer/mail-message'
import type MimeNode from 'nodemailer/lib/mime-node'
import type { SMTPSentMessageInfo } from 'nodemailer/lib/smtp-transport'
import type { Composed } from './compose.ts'
import type { Signing } from './dkim.ts'
import { judge } from './judge.ts'
import type { Deliver, Sending, Sent } from './transport.ts'
import { wholeMessage } from './whole-message.ts'

/** The server that takes the mail, and how it is spoken to. */
export interface ServerSettings {
  /** `smtp:` with STARTTLS, or `smtps:`; user and password are percent-encoded; timeouts may be in its query. */
  url: string
  /** Whether a server that offers no TLS is spoken to without; never with a password, but on this machine. */
  opportunistic: boolean
  /** A PEM file of certificates to trust beside those of Node.js. */
  ca: string | undefined
  dkim: Signing | undefined
}

/** Milliseconds. A server may think about a message for minutes; to leave earlier is to send it twice. */
const timeouts = {
  connectionTimeout: 30_000,
  greetingTimeout: 30_000,
  dnsTimeout: 10_000,
  socketTimeout: 5 * 60_000,
  // Before the server tires of us, which would cost the next mail an attempt.
  idleTimeout: 60_000,
}

/** A message on its way, as the transport tells of it. */
interface Underway extends Composed {
  /** Set once the transport begins with it. */
  underway: { stream?: Readable }
}

/**
 * Sends through one server, over connections that are kept and shared by all mail of the thread; the pool of tasks bounds
 * how many. What fails is judged by the evidence.
 */
export function toServer({ url, opportunistic, ca, dkim }: ServerSettings): Deliver {
  const { protocol, hostname, port, username } = new URL(url)
  const server = `${hostname}:${port || (protocol === 'smtps:' ? 465 : 587)}`
  const transport = createTransport({
    ...timeouts,
    pool: true,
    maxConnections: Infinity,
    maxRequeues: 0,
    requireTLS: needsStartTls(url, opportunistic),
    forceAuth: username !== '',
    tls: ca === undefined ? {} : { ca: [...getCACertificates('default'), readFileSync(ca, 'utf8')] },
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(dkim && { dkim }),
    url,
  })
  transport.use('stream', (mail, done) => {
    watch(mail.message, (mail.data as unknown as Underway).underway)
    done()
  })

  function send(
    message: Composed,
    underway: Underway['underway'],
    signal: AbortSignal,
  ): Promise<SMTPSentMessageInfo> {
    // What signs takes a message as it is streamed.
    const whole = dkim === undefined ? wholeMessage(message) : undefined
    if (whole === undefined) return transport.sendMail({ ...message, underway, signal } as Underway)
    watch(whole, underway)
    const mail = { data: { signal }, message: whole } as unknown as MailMessage<SMTPSentMessageInfo>
    return new Promise((resolve, reject) => {
      transport.transporter.send(mail, (error, info) => (error ? reject(error) : resolve(info!)))
    })
  }

  return async (message, sending) => {
    const underway: Underway['underway'] = {}
    const { controller, unlisten } = abortable(sending, underway)
    try {
      const { messageId, response } = await send(message, underway, controller.signal)
      return { to: message.to.address, messageId, response, server } satisfies Sent
    } catch (error) {
      if (controller.signal.aborted) throw sending.signal.reason
      const { stream } = underway
      throw judge(error as NodemailerError, {
        attempt: sending.attempt,
        begun: stream?.readableDidRead === true,
        handedOver: stream?.readableEnded === true,
      })
    } finally {
      unlisten()
    }
  }
}

/** Keeps the stream of a message once a connection begins with it. */
function watch(message: MimeNode, underway: Underway['underway']): void {
  const read = message.createReadStream.bind(message)
  message.createReadStream = (options) => (underway.stream = read(options))
}

/** What ends the sending when the task should end, unless all of the message is on its way: then the answer counts. */
function abortable({ signal }: Sending, underway: Underway['underway']) {
  const controller = new AbortController()
  const abort = () => {
    if (underway.stream?.readableEnded !== true) controller.abort(signal.reason)
  }
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  return { controller, unlisten: () => signal.removeEventListener('abort', abort) }
}

/**
 * Whether a server must offer STARTTLS: what is used only where it is offered can be taken away by whoever is between. So
 * a password never goes out in the clear, but on this machine.
 */
export function needsStartTls(url: string, opportunistic: boolean): boolean {
  const { protocol, hostname, username } = new URL(url)
  return protocol === 'smtp:' && !isLocal(hostname) && (!opportunistic || username !== '')
}

/** Whether a host is this machine: nobody is between. */
function isLocal(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
