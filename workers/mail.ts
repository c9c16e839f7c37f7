import { join } from 'node:path'
import { currentTask } from 'afterwork/worker'
import { withComposed } from './mail/compose.ts'
import type { Message } from './mail/message.ts'
import { deliver, type Sent } from './mail/transport.ts'

export type { Sent } from './mail/transport.ts'

const { MAIL_FROM = 'afterwork@localhost', AFTERWORK_DATA = 'data' } = process.env
const { MAIL_TEMPLATES = join(AFTERWORK_DATA, 'templates') } = process.env

/**
 * Composes a message and sends it through the server of SMTP_URL, or without one leaves it in the outbox folder.
 * @throws TaskError with the server's reply: not retried where that stands, or the message is not one that can be sent;
 *   with the pool paused where it concerns all mail; else retried as the task's options say (docs/mail.md)
 */
export async function sendEmail(message: Message): Promise<Sent> {
  const { id, attempt, signal } = currentTask()
  signal.throwIfAborted()
  const composing = { id, from: MAIL_FROM, templates: MAIL_TEMPLATES }
  return withComposed(message, composing, (composed) => deliver(composed, { signal, attempt }))
}
