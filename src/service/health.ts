import type { Middleware } from 'koa'

/** GET /livez: the process answers. GET /readyz: it takes requests, which it does not once it is stopping. */
export function health(ready: () => boolean): Middleware {
  return async function health(ctx, next) {
    if (ctx.path !== '/livez' && ctx.path !== '/readyz') return next()
    const ok = ctx.path === '/livez' || ready()
    ctx.set('Cache-Control', 'no-store')
    ctx.status = ok ? 200 : 503
    ctx.body = { status: ok ? 'ok' : 'stopping' }
  }
}
