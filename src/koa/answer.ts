import { Readable } from 'node:stream'
import type { Context } from 'koa'
import { Problem } from './problem.ts'

/** Longer answers are not kept, in characters. */
const longest = 1024 ** 2

/** Headers that belong to one answer, to its connection or to one client. */
const passing = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'set-cookie',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** An answer as it is kept. */
interface Kept {
  status: number
  headers: Record<string, number | string | string[]>
  /** The body as text, in base64 where it is bytes, or none. `gone` for one that could not be kept. */
  body: { text: string } | { base64: string } | 'none' | 'gone'
}

/** The answer that a request is about to get, as text; undefined for one that is not final: 429, 5xx, or none yet. */
export function answerOf(ctx: Context): string | undefined {
  const { status } = ctx
  if (ctx.respond === false || ctx.headerSent || status === 429 || status >= 500) return undefined
  // No route wanted it.
  if (status === 404 && ctx.body === undefined) return undefined
  const headers = Object.entries(ctx.response.headers).filter(
    ([name, value]) => value !== undefined && !passing.has(name),
  )
  const kept: Kept = {
    status,
    headers: Object.fromEntries(headers) as Kept['headers'],
    body: bodyOf(ctx.body),
  }
  const text = JSON.stringify(kept)
  return text.length <= longest ? text : JSON.stringify({ ...kept, body: 'gone' } satisfies Kept)
}

/** Answers as it was answered before. @throws a 409 for an answer that could not be kept */
export function giveAgain(ctx: Context, answer: string): void {
  const { status, headers, body } = JSON.parse(answer) as Kept
  if (body === 'gone') {
    const detail = `The request with this Idempotency-Key was answered ${status}; that answer was too long to be kept`
    throw new Problem(409, 'IDEMPOTENCY_ANSWER_GONE', detail)
  }
  ctx.status = status
  if (body === 'none') ctx.body = null
  else ctx.body = 'text' in body ? body.text : Buffer.from(body.base64, 'base64')
  // Koa makes another status of a body that is null.
  ctx.status = status
  ctx.set(headers as Record<string, string | string[]>)
  ctx.set('Idempotency-Replayed', 'true')
}

function bodyOf(body: unknown): Kept['body'] {
  if (body === undefined || body === null) return 'none'
  if (typeof body === 'string') return { text: body }
  if (Buffer.isBuffer(body)) return { base64: body.toString('base64') }
  if (
    body instanceof Readable ||
    body instanceof ReadableStream ||
    body instanceof Blob ||
    body instanceof Response
  )
    return 'gone'
  return { text: JSON.stringify(body) }
}
