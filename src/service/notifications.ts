import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import { mountPrefix } from '../koa/mount-prefix.ts'
import { Problem } from '../koa/problem.ts'
import { accepted } from './accepted.ts'
import { parseAddress } from './address.ts'
import { tasks } from './tasks.ts'

/** Characters of a query parameter at most. */
const maxText = 10_000

/** POST /send-notification/:email: a middleware and the handler each add a line, in this order. */
export function notificationRoutes(): Middleware {
  const router = new Router()

  router.post('/send-notification/:email', noteQuery, (ctx) => {
    const { email } = ctx['params'] as { email: string }
    const address = parseAddress(email)
    if (address === undefined)
      throw new Problem(422, 'BAD_ADDRESS', 'Expected one plain address such as user@example.com in the path')
    const message = parameter(ctx, 'message')
    const line = message === undefined ? `message to ${address}` : `notification for ${address}: ${message}`
    const added = ctx.background.addTask(tasks.notifications.write, line)
    const earlier = (ctx.state as { noted?: typeof added }).noted
    const path = ctx.originalUrl.split('?', 1)[0]!
    const prefix = mountPrefix(ctx, path.slice(path.lastIndexOf('/send-notification/')))
    accepted(
      ctx,
      'Notification sent in the background',
      earlier === undefined ? [added] : [earlier, added],
      prefix,
    )
  })

  return router.routes() as unknown as Middleware
}

/** A middleware with a task of its own, as FastAPI's documentation has a dependency with one. */
async function noteQuery(ctx: Context, next: () => Promise<unknown>): Promise<void> {
  const query = parameter(ctx, 'q')
  if (query !== undefined)
    ctx.state['noted'] = ctx.background.addTask(tasks.notifications.write, `found query: ${query}`)
  await next()
}

function parameter(ctx: Context, name: string): string | undefined {
  const value = ctx.query[name]
  if (value === undefined || value === '') return undefined
  if (typeof value === 'string' && value.length <= maxText) return value
  throw new Problem(422, 'INVALID_FIELD', `${name}: Expected one text of at most ${maxText} characters`)
}
