import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { currentTask, TaskError } from 'afterwork/worker'
import { createTransport, type NodemailerError, type SendMailOptions } from 'nodemailer'

/** One message to one address; all that a request can decide of it. */
export interface Message {
  /** One validated address. */
  to: string
  subject: string
  text?: string
  html?: string
  /** When it was asked for; the same each time it is sent again. */
  date: Date
}

/** What became of a message. */
export interface Sent {
  to: string
  messageId: string
  /** What the server answered, or which file of the outbox folder the message is. */
  response: string
}

type Deliver = (message: SendMailOptions) => Promise<Sent>

const { SMTP_URL, MAIL_FROM = 'afterwork@localhost', AFTERWORK_DATA = 'data' } = process.env
const domain = MAIL_FROM.replace(/^.*@/s, '').replace(/>$/, '')

/** No field of a message may make nodemailer read a file or fetch a URL. */
const noAccess = { disableFileAccess: true, disableUrlAccess: true }

/** One transport a thread: its connections and its rate are shared by all mails of the pool. */
const deliver: Deliver = SMTP_URL === undefined ? toOutbox() : toServer(SMTP_URL)

/**
 * Composes a message and sends it through the server of SMTP_URL, or without one leaves it in the outbox folder.
 * @throws TaskError that is not retried where the server said that trying again will not help; anything else is
 *   retried as the task's options say
 */
export async function sendEmail(message: Message): Promise<Sent> {
  const { id, signal, log } = currentTask()
  signal.throwIfAborted()
  const sent = await deliver({
    from: MAIL_FROM,
    to: { name: '', address: message.to },
    subject: message.subject,
    ...(message.text === undefined ? {} : { text: message.text }),
    ...(message.html === undefined ? {} : { html: message.html }),
    date: message.date,
    messageId: `<${id}@${domain}>`,
    // Otherwise random: a message that is sent again is the same, byte by byte.
    baseBoundary: id,
  })
  log.info('mail delivered', { messageId: sent.messageId, response: sent.response })
  return sent
}

function toServer(url: string): Deliver {
  const connections = Number(process.env['AFTERWORK_MAIL_CONCURRENCY'] ?? 10)
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: connections,
    maxRequeues: 0,
    ...noAccess,
  })
  return async (message) => {
    try {
      const { messageId, response } = await transport.sendMail(message)
      return { to: addressOf(message), messageId, response }
    } catch (error) {
      throw judged(error as NodemailerError)
    }
  }
}

function toOutbox(): Deliver {
  const folder = join(AFTERWORK_DATA, 'outbox')
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows', ...noAccess })
  return async (composed) => {
    const { messageId, message } = await transport.sendMail(composed)
    const name = `${messageId.replace(/^<|@.*$/gs, '')}.eml`
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, `${name}.tmp`), message as Buffer, { flush: true })
    await rename(join(folder, `${name}.tmp`), join(folder, name))
    return { to: addressOf(composed), messageId, response: `outbox/${name}` }
  }
}

/** A refusal that stands, or a message that no server would take, is not tried again. */
function judged(error: NodemailerError): Error {
  const hopeless =
    error.permanent === true || (error.code === 'EENVELOPE' && error.responseCode === undefined)
  if (!hopeless) return error
  return new TaskError(error.message, { retry: false, code: error.code ?? 'EPERMANENT', cause: error })
}

function addressOf({ to }: SendMailOptions): string {
  return (to as { address: string }).address
}
