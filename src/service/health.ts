import type { Middleware } from 'koa'
import type { PausedPool } from './paused.ts'

/**
 * GET /livez: the process answers. GET /readyz: it takes requests, which it does not once it is stopping; it is degraded
 * while a pool is paused, and ready nevertheless, for it keeps what is asked of that pool.
 */
export function health(ready: () => boolean, paused: () => readonly PausedPool[]): Middleware {
  return async function health(ctx, next) {
    if (ctx.path !== '/livez' && ctx.path !== '/readyz') return next()
    const ok = ctx.path === '/livez' || ready()
    ctx.set('Cache-Control', 'no-store')
    ctx.status = ok ? 200 : 503
    const pools = ok && ctx.path === '/readyz' ? paused() : []
    ctx.body = pools.length > 0 ? { status: 'degraded', paused: pools } : { status: ok ? 'ok' : 'stopping' }
  }
}
