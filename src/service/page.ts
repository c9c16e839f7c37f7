import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import type { Middleware } from 'koa'

const folder = new URL('./page/', import.meta.url)

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The page at `/`: drop a file, send a mail, watch the tasks. */
export function page(): Middleware {
  const contents = new Map(
    readdirSync(folder).map((name) => {
      const content = { type: extname(name), body: readFileSync(new URL(name, folder)) }
      return [name === 'index.html' ? '/' : `/${name}`, content]
    }),
  )
  return async function page(ctx, next) {
    const content = contents.get(ctx.path)
    if (content === undefined || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next()
    ctx.type = content.type
    ctx.set('Content-Security-Policy', policy)
    ctx.set('Cache-Control', 'no-cache')
    ctx.body = content.body
  }
}
