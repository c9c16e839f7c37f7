import { readFileSync } from 'node:fs'
import { TaskError } from 'afterwork/worker'
import { request, type Agent, type Dispatcher } from 'undici'
import { parseWebUrl, type Call } from './call.ts'

/** Redirects that are followed, of GET and HEAD only: to send anything else twice is for the caller to decide. */
const maxRedirects = 5
/** What is read of a body that nobody wants, in bytes, before its connection is closed instead. */
export const maxUnwanted = 65_536

// An import of JSON would be compiled into a second package.json, and a package of its own.
const manifest = readFileSync(new URL(import.meta.resolve('afterwork/package.json')), 'utf8')
const userAgent = `afterwork/${(JSON.parse(manifest) as { version: string }).version}`
const redirects = [301, 302, 303, 307, 308]
/** What a redirect to another origin takes along; the rest may be a secret, whatever its name. */
const harmless = ['accept', 'accept-language']

/** An answer whose body is still to be read, and where it came from in the end. */
export interface Exchange {
  url: URL
  answer: Dispatcher.ResponseData
}

/**
 * Sends a request and follows its redirects; `agentFor` says which connections may be used for a URL, each anew.
 * @throws TaskError, not retried: HTTP_TOO_MANY_REDIRECTS, HTTP_BAD_REDIRECT; what undici throws for the rest
 */
export async function exchange(
  { method, url: first, headers: given, body }: Pick<Call, 'method' | 'url' | 'headers' | 'body'>,
  agentFor: (url: URL) => Agent,
  signal: AbortSignal,
): Promise<Exchange> {
  let [url, headers] = [first, given]
  for (let followed = 0; ; followed++) {
    const answer = await request(url, {
      method,
      headers: { 'user-agent': userAgent, 'accept-encoding': 'identity', ...headers },
      body,
      signal,
      dispatcher: agentFor(url),
    })
    const { location } = answer.headers
    const follows = method === 'GET' || method === 'HEAD'
    if (!follows || !redirects.includes(answer.statusCode) || location === undefined) return { url, answer }
    await answer.body.dump({ limit: maxUnwanted, signal })
    if (followed === maxRedirects)
      throw hopeless(
        `Expected at most ${maxRedirects} redirects from ${first.origin}, got more`,
        'TOO_MANY_REDIRECTS',
      )
    const next = nextUrl(location, url)
    if (next.origin !== url.origin)
      headers = Object.fromEntries(Object.entries(headers).filter(([name]) => harmless.includes(name)))
    url = next
  }
}

/** Where a redirect leads; never out of TLS. */
function nextUrl(location: string | string[], from: URL): URL {
  const url = parseWebUrl(location, from)
  if (url !== undefined && (url.protocol === 'https:' || from.protocol === 'http:')) return url
  throw hopeless(
    `Expected ${from.origin} to redirect to a URL that can be followed, got another`,
    'BAD_REDIRECT',
  )
}

function hopeless(message: string, code: string): TaskError {
  return new TaskError(message, { retry: false, code: `HTTP_${code}` })
}
