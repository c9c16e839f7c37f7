import { TaskError } from 'afterwork/worker'

/** What goes out. */
export interface HttpRequest {
  /** Default GET. */
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'
  /** http: or https:, without a user or password. */
  url: string
  /** A value `{ env: 'HTTP_SECRET_...' }` is that variable's: a secret is then never in the queue. */
  headers?: Record<string, string | { env: string }>
  /** A string or bytes are sent as they are, anything else as JSON. */
  body?: unknown
  /** Milliseconds for all of it, redirects included, at most 600,000. Default 30,000. */
  timeout?: number
  /** Default: the id of the task, which is the same on every attempt. Not sent with GET and HEAD. */
  idempotencyKey?: string
  /** Statuses that are an answer beside those of 2xx, such as 404. */
  expect?: readonly number[]
}

/** A request, checked and complete. */
export interface Call {
  method: NonNullable<HttpRequest['method']>
  url: URL
  headers: Record<string, string>
  body: string | Uint8Array | null
  timeout: number
  expect: readonly number[]
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const maxUrl = 8_000
const maxTimeout = 600_000
/** Of each connection: they are the client's own business, and some would make one request two. */
const ownHeaders =
  /^(?:host|connection|content-length|transfer-encoding|upgrade|te|trailer|expect|keep-alive|proxy-.*)$/i
/** Who can name a variable gets its value sent wherever he wants: so only those that are meant for it. */
const secretVariable = /^HTTP_SECRET_\w+$/

/**
 * Checks what a task was asked to request; `id` is the task's.
 * @throws TaskError, not retried: HTTP_BAD_ARGUMENT
 */
export function callOf(given: HttpRequest, id: string): Call {
  const { method = 'GET', timeout = 30_000, expect = [] } = given
  if (!methods.includes(method)) throw bad('method', `one of ${methods.join(', ')}`, method)
  if (!(timeout >= 1 && timeout <= maxTimeout)) throw bad('timeout', `1 to ${maxTimeout} ms`, timeout)
  if (!Array.isArray(expect) || !expect.every((status) => Number.isInteger(status)))
    throw bad('expect', 'a list of statuses', expect)
  const safe = method === 'GET' || method === 'HEAD'
  if (safe && given.body !== undefined) throw bad('body', `none with ${method}`, given.body)
  const [body, type] = encoded(given.body)
  const key = safe ? {} : { 'idempotency-key': given.idempotencyKey ?? id }
  const headers = headersOf({ ...type, ...key, ...given.headers })
  return { method, url: webUrl(given.url), headers, body, timeout, expect }
}

/** An http: or https: URL that names no user; undefined for anything else. `base` is what it is relative to. */
export function parseWebUrl(text: unknown, base?: URL): URL | undefined {
  if (typeof text !== 'string' || text.length > maxUrl) return undefined
  const url = URL.canParse(text, base?.href) ? new URL(text, base?.href) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined
  return url.username === '' && url.password === '' ? url : undefined
}

function webUrl(text: unknown): URL {
  const url = parseWebUrl(text)
  if (url !== undefined) return url
  // It may hold a password.
  throw bad('url', `an http: or https: URL of at most ${maxUrl} characters without user and password`)
}

function encoded(body: unknown): [Call['body'], Record<string, string>] {
  if (body === undefined) return [null, {}]
  if (typeof body === 'string') return [body, { 'content-type': 'text/plain; charset=utf-8' }]
  if (body instanceof Uint8Array) return [body, { 'content-type': 'application/octet-stream' }]
  return [JSON.stringify(body), { 'content-type': 'application/json' }]
}

function headersOf(given: NonNullable<HttpRequest['headers']>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      if (!/^[!#$%&'*+.^`|~\w-]+$/.test(name) || ownHeaders.test(name))
        throw bad('headers', 'names that a caller can set', name)
      return [name.toLowerCase(), valueOf(name, value)]
    }),
  )
}

function valueOf(name: string, value: string | { env: string }): string {
  const text = typeof value === 'string' ? value : secretOf(name, value?.env)
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) return text
  throw bad(`headers.${name}`, 'one line of Latin-1')
}

function secretOf(name: string, variable: unknown): string {
  if (typeof variable !== 'string' || !secretVariable.test(variable))
    throw bad(`headers.${name}`, 'a string, or { env } with a variable HTTP_SECRET_...', variable)
  const secret = process.env[variable]
  if (secret !== undefined) return secret
  throw bad(`headers.${name}`, `the variable ${variable} in the environment`, 'none')
}

function bad(what: string, expected: string, got?: unknown): TaskError {
  const shown = got === undefined ? 'something else' : JSON.stringify(got).slice(0, 200)
  return new TaskError(`${what}: Expected ${expected}, got ${shown}`, {
    retry: false,
    code: 'HTTP_BAD_ARGUMENT',
  })
}
