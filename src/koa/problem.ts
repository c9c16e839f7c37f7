import { STATUS_CODES } from 'node:http'
import type { Context, Middleware } from 'koa'

/** An error that becomes the answer as it is: RFC 9457, with a stable `code` for programs and a `detail` for people. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly code: string
  readonly expose = true
  readonly headers: Record<string, string>

  constructor(
    status: number,
    code: string,
    detail: string,
    options: { cause?: unknown; headers?: Record<string, string> } = {},
  ) {
    super(detail, options)
    this.status = status
    this.code = code
    this.headers = options.headers ?? {}
  }
}

interface HttpError extends Error {
  status?: number
  statusCode?: number
  expose?: boolean
  code?: unknown
  headers?: Record<string, string>
}

/** Answers every error, and every 404 and 405 without a body, as application/problem+json. */
export function problems(): Middleware {
  return async function problemJson(ctx, next) {
    try {
      await next()
    } catch (thrown) {
      return answer(ctx, thrown)
    }
    if (ctx.respond !== false && ctx.status >= 400 && ctx.body === undefined) {
      write(ctx, ctx.status, statusCode(ctx.status), undefined)
    }
  }
}

function answer(ctx: Context, thrown: unknown): void {
  const error: HttpError = thrown instanceof Error ? thrown : new Error(String(thrown))
  const asked = error.status ?? error.statusCode
  const status = isErrorStatus(asked) ? asked : 500
  const exposed = status === asked && (error.expose ?? status < 500)
  if (!exposed) ctx.app.emit('error', error, ctx)
  // An answer that was cut short must not look whole.
  if (ctx.headerSent && !ctx.res.writableEnded) ctx.res.destroy()
  if (ctx.headerSent || !ctx.writable) return
  ctx.set(error.headers ?? {})
  if (exposed)
    write(ctx, status, typeof error.code === 'string' ? error.code : statusCode(status), error.message)
  else write(ctx, status, statusCode(status), 'Something went wrong here; the log of the service says what.')
}

function isErrorStatus(status: unknown): status is number {
  return typeof status === 'number' && status >= 400 && STATUS_CODES[status] !== undefined
}

function write(ctx: Context, status: number, code: string, detail: string | undefined): void {
  ctx.status = status
  ctx.body = JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, code, detail })
  ctx.set('Cache-Control', 'no-store')
  ctx.type = 'application/problem+json'
}

/** 404 -> NOT_FOUND */
function statusCode(status: number): string {
  return (STATUS_CODES[status] ?? 'ERROR').toUpperCase().replace(/[^A-Z]+/g, '_')
}
