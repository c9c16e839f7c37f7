import type { Context, Middleware } from 'koa'
import { mountPrefix } from '../koa/mount-prefix.ts'
import { Problem } from '../koa/problem.ts'
import { tasks } from './tasks.ts'
import { allowedBy } from './webhook-allow.ts'

const header = 'webhook-url'
/** Characters of a URL. */
const maxUrl = 2_000

/**
 * A POST with a `Webhook-Url` has the outcome of each task that it adds sent there, by a task that is stored in the
 * transaction of that outcome. A URL that is none, or not among `allowed`, is refused before anything is stored.
 */
export function webhooks(allowed: readonly string[]): Middleware {
  return async function webhooks(ctx, next) {
    // Node.js joins headers that come twice, and the two may make one URL.
    const given = ctx.method === 'POST' ? ctx.req.headersDistinct[header] : undefined
    if (given !== undefined) {
      const target = { ...targetOf(given, allowed), prefix: mountPrefix(ctx as Context, ctx.path) }
      ctx.background.onEnded({ task: tasks.webhooks.deliver, args: [target], withArgs: false })
    }
    await next()
  }
}

/** Throws BAD_WEBHOOK_URL, WEBHOOK_NOT_ALLOWED. */
function targetOf([text = '', ...others]: string[], allowed: readonly string[]) {
  const url = others.length === 0 && text.length <= maxUrl && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new Problem(
      422,
      'BAD_WEBHOOK_URL',
      `Webhook-Url: Expected one https: URL of at most ${maxUrl} characters without user and password`,
    )
  }
  const entry = allowedBy(url, allowed)
  if (entry === undefined) {
    const where = `${url.protocol}//${url.host}`.slice(0, 300)
    throw new Problem(422, 'WEBHOOK_NOT_ALLOWED', `Webhook-Url: webhooks to ${where} are not allowed here`)
  }
  url.hash = ''
  return { url: url.href, allowedBy: entry }
}
