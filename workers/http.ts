import { currentTask } from 'afterwork/worker'
import type { Agent } from 'undici'
import { openAgent, publicAgent } from './http/agent.ts'
import { callOf, type HttpRequest } from './http/call.ts'
import { contentOf, type Content } from './http/content.ts'
import { exchange } from './http/exchange.ts'
import { refusal, single, trouble } from './http/failure.ts'

export type { HttpRequest } from './http/call.ts'

/** What an API answered. */
export interface HttpResponse extends Content {
  status: number
  /** Where it came from, redirects followed. */
  url: string
  /** Of at most 16 KB in all, names in lower case; without cookies, which are secrets. */
  headers: Record<string, string>
}

/** Bytes of an answer that are kept. */
const maxBody = 1024 ** 2

/** Hosts, or hosts with a port, that may be called though their addresses are private. */
const privateHosts = new Set(
  (process.env['AFTERWORK_HTTP_ALLOW'] ?? '')
    .split(',')
    .map((host) => host.trim().toLowerCase())
    .filter((host) => host !== ''),
)
/** Each a set of connections for as long as the thread lives. */
const [guarded, open] = [publicAgent(), openAgent()]

/**
 * Calls an API and gives what it answered. Only public addresses are called, also by redirects, and the hosts that
 * AFTERWORK_HTTP_ALLOW names. Attempts of one task carry the same Idempotency-Key.
 * @throws TaskError with the code HTTP_ and the status: retried for 408, 425, 429 and 5xx, after at least the
 *   Retry-After of 429 and 503; not retried otherwise. HTTP_TIMEOUT and troubles of the network are retried;
 *   HTTP_BAD_ARGUMENT, HTTP_DESTINATION_REFUSED, HTTP_TOO_MANY_REDIRECTS and HTTP_BAD_REDIRECT are not
 * @example
 * addTask(tasks.http.request, {
 *   method: 'POST',
 *   url: 'https://api.example.com/invoices',
 *   headers: { authorization: { env: 'HTTP_SECRET_INVOICES' } },
 *   body: { order: order.id },
 * })
 */
export async function request(given: HttpRequest): Promise<HttpResponse> {
  const { id, signal, log } = currentTask()
  signal.throwIfAborted()
  const call = callOf(given, id)
  const what = `${call.method} ${call.url.origin}${call.url.pathname}`
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(call.timeout)])
  try {
    const { url, answer } = await exchange(call, agentFor, deadline)
    const { statusCode: status, headers } = answer
    const content = await contentOf(answer.body, single(headers['content-type']), maxBody)
    const well = (status >= 200 && status < 300) || call.expect.includes(status)
    if (!well) throw refusal(what, answer, { shown: textOf(content.body) })
    log.info('request answered', { status, url: url.origin + url.pathname })
    return { status, url: url.href, headers: shown(headers), ...content }
  } catch (error) {
    // Whoever stops the task says why.
    signal.throwIfAborted()
    throw trouble(what, error)
  }
}

function agentFor({ host, hostname }: URL): Agent {
  return privateHosts.has(hostname) || privateHosts.has(host) ? open : guarded
}

function shown(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name !== 'set-cookie')
      .map(([name, value]) => [name, String(value)]),
  )
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body)
}
