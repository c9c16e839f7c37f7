import { readFileSync } from 'node:fs'
import type { Middleware } from 'koa'

const files: Record<string, string> = {
  '/': 'index.html',
  '/page.css': 'page.css',
  '/page.js': 'page.js',
}

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
  const contents = Object.fromEntries(
    Object.entries(files).map(([path, name]) => [
      path,
      readFileSync(new URL(`./page/${name}`, import.meta.url)),
    ]),
  )
  return async function page(ctx, next) {
    const content = contents[ctx.path]
    if (content === undefined || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next()
    ctx.type = files[ctx.path]!.split('.').at(-1)!
    ctx.set('Content-Security-Policy', policy)
    ctx.set('Cache-Control', 'no-cache')
    ctx.body = content
  }
}
