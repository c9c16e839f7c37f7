import { createHash } from 'node:crypto'
import type { Context, Middleware } from 'koa'
import { milliseconds, type Duration } from '../core/duration.ts'
import { AfterworkError } from '../core/errors.ts'
import type { Receipt } from '../core/receipt.ts'
import { answerOf, giveAgain } from './answer.ts'
import { Background } from './background.ts'
import { Fingerprint } from './fingerprint.ts'
import { Problem } from './problem.ts'

/** What of a body that no handler read is read for its fingerprint, in bytes. */
const mostUnread = 1024 ** 2

/** Options of afterwork.idempotency(). */
export interface IdempotencyOptions {
  /** How long an answer is kept. Default 24 h. */
  keep?: Duration
  /** Whose key it is: keys of one scope are one another's. Default: the Authorization header. */
  scope?: (ctx: Context) => string
  /** Bytes of a body that is read to compare it with that of an earlier request. Default 1 GB. */
  maxBody?: number
}

/** Where receipts are found. */
interface Receipts {
  receipt(key: string): Promise<Pick<Receipt, 'fingerprint' | 'answer'> | undefined>
}

/**
 * A POST with an `Idempotency-Key` is done once: its answer is stored in the transaction of its tasks, and given again
 * to the same request. Use it right behind the middleware that collects tasks.
 */
export function idempotencyMiddleware(
  receipts: Receipts,
  { keep = '24h', scope = authorization, maxBody = 1024 ** 3 }: IdempotencyOptions,
  now: () => number,
): Middleware {
  const kept = milliseconds(keep, 'idempotency().keep')
  /** Requests that go on, by the keys of their receipts. */
  const inFlight = new Set<string>()

  return async function idempotency(ctx, next) {
    const given = ctx.get('Idempotency-Key')
    if (given === '' || ctx.method !== 'POST') return next()
    const { background } = ctx
    if (!(background instanceof Background)) {
      const message = 'idempotency() needs app.use(afterwork.middleware()) before it'
      throw new AfterworkError('AFTERWORK_NO_REQUEST', message)
    }
    const key = digestOf(scope(ctx), parseKey(given))
    if (inFlight.has(key)) throw stillGoesOn()
    inFlight.add(key)
    // When its tasks are stored, or will never be.
    background.onceSettled(() => inFlight.delete(key))
    const fingerprint = new Fingerprint(ctx.req, ctx.originalUrl)

    const earlier = await receipts.receipt(key)
    if (earlier !== undefined) {
      const digest = await fingerprint.digest(maxBody)
      if (digest === earlier.fingerprint) return giveAgain(ctx, earlier.answer)
      throw digest === undefined ? cutOff() : anotherRequest()
    }

    await next()
    const answer = answerOf(ctx)
    if (answer === undefined) return
    const digest = await fingerprint.digest(mostUnread)
    if (digest === undefined) return
    background.receipt = { key, fingerprint: digest, answer, expiresAt: now() + kept }
  }
}

function authorization(ctx: Context): string {
  return ctx.get('Authorization')
}

function digestOf(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** Quoted as the draft has it, or bare as most send it. */
function parseKey(given: string): string {
  const key =
    /^"([\x20-\x7e]{1,255})"$/.exec(given)?.[1] ?? /^[\x21\x23-\x2b\x2d-\x7e]{1,255}$/.exec(given)?.[0]
  if (key !== undefined) return key
  throw new Problem(
    400,
    'BAD_IDEMPOTENCY_KEY',
    'Idempotency-Key: Expected one key of 1 to 255 printable ASCII characters',
  )
}

function stillGoesOn(): Problem {
  return new Problem(409, 'IDEMPOTENCY_IN_FLIGHT', 'A request with this Idempotency-Key still goes on', {
    headers: { 'Retry-After': '1' },
  })
}

function anotherRequest(): Problem {
  const detail = 'This Idempotency-Key was used for another request: method, path, fields or files differ'
  return new Problem(422, 'IDEMPOTENCY_KEY_REUSED', detail)
}

function cutOff(): Problem {
  return new Problem(
    413,
    'BODY_TOO_LARGE',
    'The body is too long to compare it with that of the earlier request',
  )
}
