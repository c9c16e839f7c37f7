import type { Message } from '../../../workers/mail/message.ts'
import { sendEmail, type Sent } from '../../../workers/mail.ts'
import { attempt } from './attempt.ts'
import type { Note } from './notes.ts'

/** The service's own task, with its attempts in the journal. */
export function send({ marker }: Note, message: Message): Promise<Sent> {
  return attempt(marker, () => sendEmail(message))
}
