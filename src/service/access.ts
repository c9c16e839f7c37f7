import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Context, Middleware } from 'koa'
import { bodyParser } from '@koa/bodyparser'
import { mountPrefix } from '../koa/mount-prefix.ts'
import { Problem } from '../koa/problem.ts'

const cookieName = 'afterwork'
/** What needs no token: whoever asks whether the process lives has none, and a browser gets its cookie at /login. */
const open = new Set(['/livez', '/readyz', '/login'])

/**
 * Lets in only who shows the token, as `Authorization: Bearer`, or as the cookie that POST /login gives a browser.
 * Everyone else is answered 401; a browser that asks for a page is sent to /login.
 */
export function tokenGuard(token: string): Middleware {
  const secret = digest(token, 'token')
  const cookie = digest(token, 'cookie').toString('base64url')
  const parse = bodyParser({ enableTypes: ['json', 'form'], formLimit: '4kb', jsonLimit: '4kb' })

  return async function access(ctx, next) {
    if (ctx.path === '/login') return login(ctx)
    if (open.has(ctx.path) || shown(ctx)) return next()
    if (ctx.method === 'GET' && ctx.accepts('json', 'html') === 'html')
      return ctx.redirect(`${mountPrefix(ctx, ctx.path)}/login`)
    throw new Problem(
      401,
      'TOKEN_REQUIRED',
      'Expected the token, as `Authorization: Bearer TOKEN` or after a log-in at /login',
      {
        headers: { 'WWW-Authenticate': 'Bearer' },
      },
    )
  }

  function shown(ctx: Context): boolean {
    const bearer = /^Bearer +(\S+)$/i.exec(ctx.get('Authorization'))?.[1]
    if (bearer !== undefined) return same(digest(bearer, 'token'), secret)
    const given = ctx.cookies.get(cookieName)
    return given !== undefined && same(digest(given, 'given'), digest(cookie, 'given'))
  }

  async function login(ctx: Context): Promise<void> {
    ctx.set('Cache-Control', 'no-store')
    ctx.set(
      'Content-Security-Policy',
      "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
    )
    if (ctx.method === 'GET' || ctx.method === 'HEAD') {
      ctx.type = 'html'
      ctx.body = form('')
      return
    }
    if (ctx.method !== 'POST')
      throw new Problem(405, 'METHOD_NOT_ALLOWED', 'Expected GET or POST', {
        headers: { Allow: 'GET, POST' },
      })
    await parse(ctx as Parameters<typeof parse>[0], async () => {})
    const given = (ctx.request.body as { token?: unknown } | undefined)?.token
    if (typeof given !== 'string' || !same(digest(given, 'token'), secret)) return refuse(ctx)
    ctx.cookies.set(cookieName, cookie, {
      httpOnly: true,
      sameSite: 'strict',
      secure: ctx.secure,
      overwrite: true,
    })
    ctx.status = 303
    ctx.redirect('.')
  }
}

function refuse(ctx: Context): void {
  if (ctx.accepts('json', 'html') !== 'html')
    throw new Problem(401, 'WRONG_TOKEN', 'That is not the token of this service')
  ctx.status = 401
  ctx.type = 'html'
  ctx.body = form('<p role="alert">That is not the token of this service.</p>')
}

function form(message: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>afterwork: log in</title>
<h1>afterwork</h1>
${message}
<form method="post" action="login">
<label>Token <input type="password" name="token" required autofocus autocomplete="current-password"></label>
<button>Log in</button>
</form>
`
}

/** Of equal length whatever is given, so that a comparison tells nothing by its time. */
function digest(text: string, use: string): Buffer {
  return createHmac('sha256', `afterwork ${use}`).update(text).digest()
}

function same(a: Buffer, b: Buffer): boolean {
  return timingSafeEqual(a, b)
}
