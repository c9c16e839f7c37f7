import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import { downloadName } from '../files/name.ts'
import { Problem } from '../koa/problem.ts'
import { isMessageId, type Found, type Position, type Question } from './outbox/question.ts'
import type { OutboxReader } from './outbox/reader.ts'

const defaultLimit = 50
const maxLimit = 200
const statuses = { MESSAGE_NOT_FOUND: 404, PART_NOT_FOUND: 404, MESSAGE_UNREADABLE: 422 }

/** Pictures of pixels: nothing in them runs, so the page may show them. */
const pixels = /^image\/(png|jpeg|gif|webp|avif)$/

/** What a mail may do in its frame: look as it wants, and open links in new tabs. */
const frame = [
  'sandbox allow-popups allow-popups-to-escape-sandbox',
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ')

/**
 * The messages that were left in the outbox folder, for the mail reader at `/outbox/` and for programs. `reader` is
 * null where mail leaves by SMTP: then there are none, and all of this is a 404 OUTBOX_NOT_USED.
 */
export function outboxRoutes(reader: OutboxReader | null): Middleware {
  const router = new Router({ strict: true })

  // What the page refers to is relative to it.
  router.get('/outbox', (ctx) => ctx.redirect('outbox/'))

  router.get('/outbox/messages', async (ctx) => {
    const { body } = await found({ ask: 'page', ...pageOf(ctx.query) })
    send(ctx, body, 'application/json')
  })

  router.delete('/outbox/messages', async (ctx) => {
    await found({ ask: 'clear' })
    ctx.status = 204
  })

  router.get('/outbox/:id', async (ctx) => {
    const { body } = await found({ ask: 'message', id: parameter(ctx, 'id') })
    send(ctx, body, 'application/json')
  })

  router.delete('/outbox/:id', async (ctx) => {
    await found({ ask: 'remove', id: parameter(ctx, 'id') })
    ctx.status = 204
  })

  router.get('/outbox/:id/html', async (ctx) => {
    const { body } = await found({ ask: 'html', id: parameter(ctx, 'id') })
    const images = ctx.query['images'] === 'remote' ? 'data: https: http:' : 'data:'
    send(ctx, body, 'text/html; charset=utf-8', `${frame}; img-src ${images}`)
    ctx.set('Referrer-Policy', 'no-referrer')
  })

  router.get('/outbox/:id/text', async (ctx) => {
    const { body } = await found({ ask: 'text', id: parameter(ctx, 'id') })
    send(ctx, body, 'text/plain; charset=utf-8')
  })

  router.get('/outbox/:id/source', async (ctx) => {
    const opened = await used().open(parameter(ctx, 'id'))
    if (opened === undefined) throw new Problem(404, 'MESSAGE_NOT_FOUND', 'There is no such message')
    send(ctx, opened.handle.createReadStream(), 'text/plain; charset=utf-8')
    ctx.length = opened.size
  })

  router.get('/outbox/:id/attachments/:number', async (ctx) => {
    const number = Number(parameter(ctx, 'number'))
    const { body, name, type } = await found({ ask: 'attachment', id: parameter(ctx, 'id'), number })
    ctx.attachment(downloadName(name!))
    send(ctx, body, pixels.test(type!) ? type! : 'application/octet-stream')
  })

  return router.routes() as unknown as Middleware

  function used(): OutboxReader {
    if (reader !== null) return reader
    throw new Problem(
      404,
      'OUTBOX_NOT_USED',
      'Mail leaves through the server of SMTP_URL; the outbox is for messages that go nowhere',
    )
  }

  async function found(question: Question): Promise<Found> {
    const answer = await used().ask(question)
    if (answer.found) return answer
    throw new Problem(statuses[answer.code], answer.code, answer.detail)
  }
}

function send(ctx: Context, body: unknown, type: string, policy = "default-src 'none'; sandbox"): void {
  ctx.status = 200
  ctx.body = body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.length) : body
  ctx.set('Content-Type', type)
  ctx.set('Content-Security-Policy', policy)
  ctx.set('Cross-Origin-Resource-Policy', 'same-origin')
  // A mail may hold what lets somebody in, such as the link that sets a new password.
  ctx.set('Cache-Control', 'no-store')
}

function parameter(ctx: Context, name: string): string {
  return (ctx['params'] as Record<string, string>)[name]!
}

function pageOf({ cursor, limit }: Context['query']): { after: Position | null; limit: number } {
  const count = limit === undefined ? defaultLimit : Number(limit)
  if (!Number.isInteger(count) || count < 1 || count > maxLimit)
    throw badQuery(`limit: Expected an integer from 1 to ${maxLimit}`)
  if (cursor === undefined) return { after: null, limit: count }
  const [, storedAt, id] = /^(\d{1,15})\.(.+)$/.exec(String(cursor)) ?? []
  if (storedAt === undefined || !isMessageId(id!))
    throw badQuery('cursor: Expected the `next` of an earlier page')
  return { after: { storedAt: Number(storedAt), id: id! }, limit: count }
}

function badQuery(detail: string): Problem {
  return new Problem(400, 'BAD_QUERY', detail)
}
