import type { Middleware } from 'koa'

/** What a scrape needs of a registry of metrics. */
interface Registry {
  readonly contentType: string
  metrics(): Promise<string>
}

/** GET /metrics behind `prefix`: one scrape at a time, whose result all get who asked meanwhile. */
export function metricsRoute(registry: Registry, prefix: string): Middleware {
  const path = `${prefix}/metrics`
  let scrape: Promise<string> | undefined
  return async function metrics(ctx, next) {
    if (ctx.path !== path || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next()
    scrape ??= registry.metrics().finally(() => (scrape = undefined))
    const text = await scrape
    ctx.set('Content-Type', registry.contentType)
    ctx.set('Cache-Control', 'no-store')
    ctx.body = text
  }
}
