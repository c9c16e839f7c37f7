import type { SendMailOptions } from 'nodemailer'
import { withAttachments, type OpenAttachment } from './attachments.ts'
import { bodyOf } from './body.ts'
import { withContentIds } from './content-id.ts'
import type { Message } from './message.ts'

/** What is the same for all messages of a service, and the id of this one. */
export interface Composing {
  /** The id of the task: message id, boundaries and content ids are made of it. */
  id: string
  /** An address, or a name with an address: the sender. */
  from: string
  /** The folder of templates. */
  templates: string
}

/** A message as nodemailer takes it, to exactly one address. */
export interface Composed extends SendMailOptions {
  to: { name: string; address: string }
  messageId: string
  date: Date
}

/**
 * Composes a message and hands it to `use`; its attachments are open until that is done, and are read as it goes out.
 * The same message and id give the same bytes.
 * @throws TaskError, not retried: what is wrong with the message, by the codes in docs/mail.md
 */
export async function withComposed<T>(
  message: Message,
  composing: Composing,
  use: (composed: Composed) => Promise<T>,
): Promise<T> {
  const attachments = message.attachments ?? []
  const body = withContentIds(await bodyOf(message, composing.templates), attachments, idOf(composing))
  return withAttachments(attachments, (opened) =>
    use({ ...headersOf(message, composing), ...body, attachments: opened.map(withContentId) }),
  )

  function withContentId({ cid, ...attachment }: OpenAttachment): OpenAttachment {
    return cid === undefined ? attachment : { ...attachment, cid: `${cid}.${idOf(composing)}` }
  }
}

function headersOf({ to, replyTo, listUnsubscribe, date }: Message, composing: Composing) {
  return {
    from: composing.from,
    to: { name: '', address: to },
    ...(replyTo === undefined ? {} : { replyTo: { name: '', address: replyTo } }),
    ...(listUnsubscribe === undefined ? {} : unsubscribing(listUnsubscribe)),
    date,
    messageId: `<${idOf(composing)}>`,
    // Otherwise random: a message that is sent again is the same, byte by byte.
    baseBoundary: composing.id,
  }
}

/** RFC 8058: both headers, so that a mail client may end the subscription without opening a page. */
function unsubscribing(url: string) {
  return {
    list: { unsubscribe: url },
    headers: { 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' },
  }
}

/** Unique in the world, as ids of messages and of their parts must be. */
function idOf({ id, from }: Composing): string {
  const domain = from.replace(/^.*@/s, '').replace(/>$/, '')
  return `${id}@${domain}`
}
