import { decodeWords, type Attachment, type Email } from 'postal-mime'
import type { Entry } from './folder.ts'
import { bytesOf, countRemote } from './html.ts'
import { mailboxes, type Mailbox } from './parse.ts'
import { headOf, type Summary } from './summary.ts'

const maxText = 1_000_000
const maxHeaders = 500
const maxHeader = 10_000

/** A part of a message that can be saved. */
export interface AttachmentFacts {
  /** From 1; `/outbox/:id/attachments/:number`. */
  number: number
  name: string
  /** The media type that the message claims. */
  type: string
  /** Bytes. */
  size: number
  /** By which an HTML body shows it, or null. */
  contentId: string | null
}

/** A message as a reader shows it. */
export interface MessageDocument extends Omit<Summary, 'attachments' | 'preview'> {
  messageId: string | null
  replyTo: Mailbox[]
  cc: Mailbox[]
  /** All, in their order, decoded. */
  headers: { name: string; value: string }[]
  /** Null without one. */
  text: string | null
  /** Whether there is an HTML body. */
  html: boolean
  /** How many addresses that body would load something from. */
  remote: number
  attachments: AttachmentFacts[]
  /** Whether the text is longer than a million characters, of which the first are here. */
  cut: boolean
  /** Why there is nothing but the source to be shown, or null. */
  unreadable: string | null
}

/** @param unreadable why the message could not be read; `email` is what could be learnt of it all the same */
export function messageDocument(
  entry: Entry,
  email: Email | undefined,
  unreadable: string | null = null,
): MessageDocument {
  const { text = null, headers = [], attachments = [] } = email ?? {}
  return {
    ...headOf(entry, email),
    messageId: email?.messageId?.slice(0, maxHeader) ?? null,
    replyTo: mailboxes(email?.replyTo),
    cc: mailboxes(email?.cc),
    headers: headers.slice(0, maxHeaders).map(({ originalKey, value }) => ({
      name: originalKey.slice(0, 200),
      value: decodeWords(value.slice(0, maxHeader)),
    })),
    text: unreadable === null ? (text?.slice(0, maxText) ?? null) : null,
    html: unreadable === null && email?.html !== undefined,
    remote: unreadable === null && email !== undefined ? countRemote(email) : 0,
    attachments: unreadable === null ? attachments.map(factsOf) : [],
    cut: unreadable === null && (text?.length ?? 0) > maxText,
    unreadable,
  }
}

/** What an attachment is called, if it has a name. */
export function nameOf({ filename }: Attachment, number: number): string {
  return filename?.slice(0, 1_000) || `attachment-${number}`
}

function factsOf(attachment: Attachment, index: number): AttachmentFacts {
  return {
    number: index + 1,
    name: nameOf(attachment, index + 1),
    type: attachment.mimeType.slice(0, 200),
    size: bytesOf(attachment).length,
    contentId: attachment.contentId?.replace(/^<|>$/g, '').slice(0, 500) ?? null,
  }
}
