import type { Middleware } from 'koa'
import { Problem } from '../koa/problem.ts'

/** Refuses what a page of another site makes a browser send: on loopback there may be no token to stop it. */
export function sameSite(): Middleware {
  return async function sameSite(ctx, next) {
    const site = ctx.get('Sec-Fetch-Site')
    const changes = ctx.method !== 'GET' && ctx.method !== 'HEAD'
    if (changes && (site === 'cross-site' || site === 'same-site')) {
      throw new Problem(403, 'CROSS_SITE', 'This request comes from a page of another site')
    }
    await next()
  }
}
