import type { Context } from 'koa'

/** What stands in front of `path` in the URL of this request, when the app is mounted somewhere. */
export function mountPrefix(ctx: Context, path: string): string {
  const whole = ctx.originalUrl.split('?', 1)[0]!.replace(/\/+$/, '')
  return whole.endsWith(path) ? whole.slice(0, -path.length) : ''
}
