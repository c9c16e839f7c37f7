import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Middleware } from 'koa'

const folder = fileURLToPath(new URL('./page/', import.meta.url))

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * The page at `/`, to drop a file, send a mail and watch the tasks, and the one at `/outbox/`, to read the mail that
 * went nowhere.
 */
export function page(): Middleware {
  const contents = new Map(
    filesIn(folder).map((file) => {
      const path = `/${relative(folder, file).replaceAll(sep, '/')}`
      return [path.replace(/index\.html$/, ''), { type: extname(file), body: readFileSync(file) }]
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

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}
