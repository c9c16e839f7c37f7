import type { Attachment } from './attachments.ts'

/** One message to one address, as the arguments of a task have it: the same each time it is composed. */
export interface Message {
  /** One validated address. */
  to: string
  /** One line; a template may bring its own instead. */
  subject?: string
  /** One validated address that answers go to. Default: the sender. */
  replyTo?: string
  /** The text part; without it one is made of the body. */
  text?: string
  /** The body; at most one of `html`, `markdown` and `template` is given. */
  html?: string
  /** CommonMark with tables, at most 100 kB. */
  markdown?: string
  /** The name of a template in the folder of templates. */
  template?: string
  /** What the template may show; a JSON object. */
  data?: Readonly<Record<string, unknown>>
  /** Of at most 25 MB in all; those with a `cid` are images of the body. */
  attachments?: readonly Attachment[]
  /** An https URL that ends a subscription when it is posted to (RFC 8058). */
  listUnsubscribe?: string
  /** When it was asked for; the same each time it is sent again. */
  date: Date
}
