import { currentTask, TaskError, type EndedTask } from 'afterwork/worker'
import { openAgent, publicAgent } from './http/agent.ts'
import { exchange, maxUnwanted } from './http/exchange.ts'
import { refusal, trouble } from './http/failure.ts'
import { payloadOf } from './webhooks/payload.ts'
import { signedHeaders } from './webhooks/signature.ts'

/** Where the outcome of a task goes. */
export interface WebhookTarget {
  url: string
  /** The entry of WEBHOOK_ALLOW by which the URL was accepted; one with a scheme may have a private address. */
  allowedBy: string
  /** The path under which the service is mounted. */
  prefix: string
}

/** What became of a delivery. */
export interface Delivered {
  /** What the receiver answered. */
  status: number
}

/** Milliseconds for all of a delivery. */
const timeout = 15_000

const allowed = new Set((process.env['WEBHOOK_ALLOW'] ?? '').split(',').filter((entry) => entry !== ''))
const secrets = (process.env['AFTERWORK_WEBHOOK_SECRET'] ?? '').split(/\s+/).filter((part) => part !== '')
/** Each a set of connections for as long as the thread lives. */
const [guarded, open] = [publicAgent(), openAgent()]

/**
 * Tells a receiver how a task has ended: a POST signed by the Standard Webhooks scheme, whose `webhook-id` is the id of
 * this task, the same on every attempt. Any answer of 2xx is success; no redirect is followed.
 * @throws TaskError with the code HTTP_ and the status; 410 is not retried, for the receiver is gone. HTTP_TIMEOUT and
 *   troubles of the network are retried; WEBHOOK_NOT_ALLOWED, WEBHOOK_NO_SECRET and HTTP_DESTINATION_REFUSED are not
 */
export async function deliver(ended: EndedTask, target: WebhookTarget): Promise<Delivered> {
  const { id, signal, log } = currentTask()
  signal.throwIfAborted()
  const url = new URL(target.url)
  checkConfigured(target, url)
  const body = payloadOf(ended, target.prefix)
  const headers = { 'content-type': 'application/json', ...signedHeaders(secrets, id, new Date(), body) }
  const agent = target.allowedBy.includes('://') ? open : guarded
  // Neither path nor query: they often are a secret.
  const what = `the webhook at ${url.origin}`
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeout)])
  try {
    const { answer } = await exchange({ method: 'POST', url, headers, body }, () => agent, deadline)
    const { statusCode: status } = answer
    // What it says was said with the status; the rest is only to leave the connection clean.
    await answer.body.dump({ limit: maxUnwanted, signal: deadline }).catch(() => {})
    if (status < 200 || status > 299) throw refusal(what, answer, { hopeless: status === 410 })
    log.info('webhook delivered', { task: ended.id, origin: url.origin, status })
    return { status }
  } catch (error) {
    // Whoever stops the task says why.
    signal.throwIfAborted()
    throw trouble(what, error)
  }
}

/** The configuration may be another one than when the URL was accepted. */
function checkConfigured({ allowedBy }: WebhookTarget, { origin }: URL): void {
  if (!allowed.has(allowedBy))
    throw new TaskError(`Expected a host that webhooks may go to, got ${origin}`, {
      retry: false,
      code: 'WEBHOOK_NOT_ALLOWED',
    })
  if (secrets.length === 0)
    throw new TaskError('Expected AFTERWORK_WEBHOOK_SECRET to sign webhooks with, got none', {
      retry: false,
      code: 'WEBHOOK_NO_SECRET',
    })
}
