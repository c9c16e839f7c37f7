import { milliseconds } from '../../core/duration.ts'
import { Problem } from '../../koa/problem.ts'
import { parseAddress } from '../address.ts'
import { fieldsOf, invalid, subjectOf } from '../body.ts'
import { recipientsOf } from '../recipients.ts'
import { attachedOf, type Attached } from './attachments.ts'
import { dataOf } from './data.ts'

/** Milliseconds; a mail that waits longer would hold its place in the queue for ever. */
const maxDelay = 366 * 86_400_000
/** Characters; the time that Markdown takes may grow with more than its length. */
const maxMarkdown = 100_000
/** Characters of a URL that stands in one line of a header. */
const maxUrl = 900

const sources = ['html', 'markdown', 'template'] as const
const known = [
  'to',
  'subject',
  'text',
  'message',
  ...sources,
  'data',
  'attachments',
  'inline',
  'replyTo',
  'listUnsubscribe',
  'delay',
]

/** What a request may decide of its mail; sender and server come from the configuration. */
export interface MailRequest {
  to: string[]
  delay: number
  /** A name that may be no template's. */
  template?: unknown
  attached: Attached
  content: {
    /** May be missing where the template brings one. */
    subject?: string
    text?: string
    html?: string
    markdown?: string
    data?: Record<string, unknown>
    replyTo?: string
    listUnsubscribe?: string
  }
}

/**
 * Reads the body of a request.
 * @param allowed domains, or null for all
 * @throws INVALID_FIELD, UNKNOWN_FIELD, BAD_ADDRESS, RECIPIENT_NOT_ALLOWED
 */
export function readMail(body: unknown, allowed: readonly string[] | null): MailRequest {
  const fields = fieldsOf(body, known)
  if (fields['text'] !== undefined && fields['message'] !== undefined)
    throw invalid('text', 'either text or message (they are the same)')
  const given = sources.filter((name) => fields[name] !== undefined)
  if (given.length > 1) throw invalid(given[1]!, `one of ${sources.join(', ')}, not several`)
  const text = stringOf(fields['text'] ?? fields['message'], 'text')
  if (given.length === 0 && text === undefined)
    throw invalid('text', `a text, or one of ${sources.join(', ')}`)
  if (fields['data'] !== undefined && given[0] !== 'template')
    throw invalid('data', 'data only with a template')
  if (fields['inline'] !== undefined && given.length === 0)
    throw invalid('inline', `images only with one of ${sources.join(', ')}`)
  return {
    to: recipientsOf(fields['to'], allowed),
    delay: delayOf(fields['delay']),
    ...(given[0] === 'template' && { template: fields['template'] }),
    attached: attachedOf(fields['attachments'], fields['inline']),
    content: withoutUndefined({
      subject: fields['subject'] === undefined ? undefined : subjectOf(fields['subject']),
      text,
      html: stringOf(fields['html'], 'html'),
      markdown: stringOf(fields['markdown'], 'markdown', maxMarkdown),
      data: fields['data'] === undefined ? undefined : dataOf(fields['data']),
      replyTo: fields['replyTo'] === undefined ? undefined : replyToOf(fields['replyTo']),
      listUnsubscribe:
        fields['listUnsubscribe'] === undefined ? undefined : unsubscribeOf(fields['listUnsubscribe']),
    }),
  }
}

function stringOf(given: unknown, field: string, max = Infinity): string | undefined {
  if (given === undefined || (typeof given === 'string' && given.length <= max)) return given
  throw invalid(field, max === Infinity ? 'a string' : `a string of at most ${max} characters`)
}

function replyToOf(given: unknown): string {
  const address = typeof given === 'string' ? parseAddress(given) : undefined
  if (address !== undefined) return address
  throw new Problem(422, 'BAD_ADDRESS', 'replyTo: Expected one plain address such as user@example.com')
}

/** As it goes into a header: with nothing in it that is not part of a URL. */
function unsubscribeOf(given: unknown): string {
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined
  const fits = url?.protocol === 'https:' && url.username === '' && url.href.length <= maxUrl
  if (fits && !/[\s\p{Cc}<>]/u.test(given as string)) return url.href
  throw invalid('listUnsubscribe', `an https URL of at most ${maxUrl} characters`)
}

function delayOf(given: unknown): number {
  if (given === undefined) return 0
  const delay = durationOf(typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : given)
  if (delay <= maxDelay) return delay
  throw invalid('delay', `milliseconds or a duration like '30s', '10m', '1h', '7d', at most 366d`)
}

/** NaN for what is no duration. */
function durationOf(given: unknown): number {
  try {
    return milliseconds(given, 'delay')
  } catch {
    return NaN
  }
}

function withoutUndefined<T extends object>(object: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>
  }
}
