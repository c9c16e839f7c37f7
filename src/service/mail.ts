import { bodyParser } from '@koa/bodyparser'
import multer from '@koa/multer'
import Router from '@koa/router'
import type { Middleware } from 'koa'
import { milliseconds } from '../core/duration.ts'
import { mountPrefix } from '../koa/mount-prefix.ts'
import { multipartProblem } from '../koa/multipart-problem.ts'
import { Problem } from '../koa/problem.ts'
import { fieldLimits } from '../koa/upload.ts'
import { accepted } from './accepted.ts'
import { domainOf, parseAddress } from './address.ts'
import { tasks } from './tasks.ts'

/** Recipients of one request at most. */
const maxRecipients = 100
/** RFC 5322, 2.1.1: characters of a line. */
const maxSubject = 900
const maxBody = '1mb'
/** Milliseconds; a mail that waits longer would hold its place in the queue for ever. */
const maxDelay = 366 * 86_400_000
const later = ['markdown', 'template', 'data', 'attachments']
const known = ['to', 'subject', 'text', 'message', 'html', 'delay']

/** What a request may decide of its mail; sender and server come from the configuration. */
interface MailRequest {
  to: string[]
  subject: string
  text?: string
  html?: string
  delay: number
}

/** POST /send-email: one task a recipient; `allowed` domains, or null for all. */
export function mailRoutes(allowed: readonly string[] | null): Middleware {
  const router = new Router()

  router.post('/send-email', formOrJson(), (ctx) => {
    const { to, delay, ...content } = readMail(ctx.request.body, allowed)
    const date = new Date()
    const task = tasks.mail.sendEmail.with({ ordered: false, delay })
    const added = to.map((address) => ctx.background.addTask(task, { ...content, to: address, date }))
    accepted(ctx, 'Email queued', added, mountPrefix(ctx, '/send-email'))
  })

  return router.routes() as unknown as Middleware
}

/** JSON, an urlencoded form or a multipart form, of at most a megabyte. */
function formOrJson(): Middleware {
  const parse = bodyParser({
    enableTypes: ['json', 'form'],
    jsonLimit: maxBody,
    formLimit: maxBody,
    jsonStrict: true,
    onError: (error) => {
      const tooLarge = (error as { status?: number }).status === 413
      throw tooLarge
        ? new Problem(413, 'BODY_TOO_LARGE', `Expected a body of at most ${maxBody}`, { cause: error })
        : new Problem(400, 'MALFORMED_BODY', `The body is not what its Content-Type says: ${error.message}`, {
            cause: error,
          })
    },
  }) as unknown as Middleware
  const parseMultipart = multer({ limits: { ...fieldLimits, fieldSize: 1024 ** 2, files: 0 } }).none()

  return async function body(ctx, next) {
    if (ctx.is('multipart/form-data')) {
      await parseMultipart(ctx, async () => {}).catch((error: unknown) => {
        throw multipartProblem(error)
      })
      return next()
    }
    if (!ctx.is('json', 'urlencoded')) {
      throw new Problem(
        415,
        'UNSUPPORTED_MEDIA_TYPE',
        'Expected application/json, application/x-www-form-urlencoded or multipart/form-data',
      )
    }
    return parse(ctx, next)
  }
}

function readMail(body: unknown, allowed: readonly string[] | null): MailRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('body', 'an object')
  const fields: Record<string, unknown> = { ...body }
  for (const name of Object.keys(fields)) {
    if (later.includes(name))
      throw new Problem(422, 'NOT_SUPPORTED_YET', `${name}: not supported yet; send text or html`)
    if (!known.includes(name))
      throw new Problem(
        422,
        'UNKNOWN_FIELD',
        `Expected only ${known.join(', ')}, got ${JSON.stringify(name.slice(0, 100))}`,
      )
  }
  if (fields['text'] !== undefined && fields['message'] !== undefined)
    throw invalid('text', 'either text or message (they are the same)')
  const text = optionalText(fields['text'] ?? fields['message'], 'text')
  const html = optionalText(fields['html'], 'html')
  if (text === undefined && html === undefined) throw invalid('text', 'a text, an html, or both')
  return {
    to: recipients(fields['to'], allowed),
    subject: subjectOf(fields['subject']),
    delay: delayOf(fields['delay']),
    ...(text === undefined ? {} : { text }),
    ...(html === undefined ? {} : { html }),
  }
}

function recipients(given: unknown, allowed: readonly string[] | null): string[] {
  const list: unknown[] = Array.isArray(given) ? given : [given]
  if (list.length < 1 || list.length > maxRecipients) throw invalid('to', `1 to ${maxRecipients} addresses`)
  const addresses = list.map((text) => {
    const address = typeof text === 'string' ? parseAddress(text) : undefined
    if (address === undefined)
      throw new Problem(
        422,
        'BAD_ADDRESS',
        'to: Expected one plain address such as user@example.com in each place',
      )
    if (allowed !== null && !allowed.includes(domainOf(address))) {
      throw new Problem(422, 'RECIPIENT_NOT_ALLOWED', `to: mail to ${domainOf(address)} is not allowed here`)
    }
    return address
  })
  return [...new Set(addresses)]
}

function subjectOf(given: unknown): string {
  if (typeof given === 'string' && given.length <= maxSubject && !/\p{Cc}/u.test(given)) return given
  throw invalid('subject', `a line of at most ${maxSubject} characters`)
}

function optionalText(given: unknown, field: string): string | undefined {
  if (given === undefined || typeof given === 'string') return given
  throw invalid(field, 'a string')
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

function invalid(field: string, expected: string): Problem {
  return new Problem(422, 'INVALID_FIELD', `${field}: Expected ${expected}`)
}
