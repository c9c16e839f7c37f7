import type { Email } from 'postal-mime'
import type { Entry } from './folder.ts'
import { mailboxes, parse, type Mailbox } from './parse.ts'
import { skim } from './skim.ts'

const maxSubject = 1_000
const maxPreview = 160

/** A message in the list. */
export interface Summary {
  id: string
  from: Mailbox | null
  to: Mailbox[]
  subject: string | null
  /** As the message says, in ISO 8601; null when it says none that is a date. */
  date: string | null
  /** When the file was written, in ISO 8601. */
  storedAt: string
  /** Bytes. */
  size: number
  /** How many. */
  attachments: number
  /** How its text begins. */
  preview: string
}

/** Reads so much of a message file as the list shows. */
export async function summaryOf(path: string, entry: Entry): Promise<Summary> {
  const email = await parse(skim(path)).catch(() => undefined)
  return {
    ...headOf(entry, email),
    attachments: email?.attachments.length ?? 0,
    preview: email === undefined ? '' : previewOf(email),
  }
}

/** What the list and the message itself both show. */
export function headOf({ id, storedAt, size }: Entry, email: Email | undefined) {
  const date = new Date(email?.date ?? NaN)
  return {
    id,
    from: mailboxes([email?.from])[0] ?? null,
    to: mailboxes(email?.to),
    subject: email?.subject?.slice(0, maxSubject) ?? null,
    date: Number.isNaN(date.getTime()) ? null : date.toISOString(),
    storedAt: new Date(storedAt).toISOString(),
    size,
  }
}

function previewOf({ text, html = '' }: Email): string {
  const beginning = text?.slice(0, 2_000) ?? withoutTags(html.slice(0, 20_000))
  return beginning.replace(/\s+/g, ' ').trim().slice(0, maxPreview)
}

/** Good enough for a line of text that is shown as text. No pattern looks further than the next `<`. */
function withoutTags(html: string): string {
  return html
    .replace(/<(?:style|title)[^<>]*>[^<]*/gi, ' ')
    .replace(/<[^<>]*>/g, ' ')
    .replace(/&(nbsp|lt|gt|quot|amp);/g, (_, name: string) => entities[name]!)
}

const entities: Record<string, string> = { nbsp: ' ', lt: '<', gt: '>', quot: '"', amp: '&' }
