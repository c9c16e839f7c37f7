import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as SecureAgent, request as httpsRequest } from 'node:https'
import { AfterworkError, errorCodes, type ErrorCode } from '../../core/errors.ts'

/** How long an answer may take, in milliseconds. */
const patience = 30_000
/** Bytes of an answer; ours stay far below. */
const maxAnswer = 256 * 1024 ** 2

/** Asks a service for JSON, over connections that are kept for the next question. */
export class Client {
  readonly url: string
  readonly #token: string | undefined
  readonly #agent: Agent

  /** `url` may have a path, where the routes are mounted behind one. */
  constructor(url: string, token: string | undefined) {
    this.url = url.replace(/\/+$/, '')
    this.#token = token
    this.#agent = this.url.startsWith('https:')
      ? new SecureAgent({ keepAlive: true })
      : new Agent({ keepAlive: true })
  }

  /**
   * The answer, parsed; null where it has no body.
   * @throws AFTERWORK_NO_SERVICE when nobody answers; the service's own error where it is one of ours;
   * AFTERWORK_SERVICE_REFUSED for any other
   */
  async ask<T>(path: string, { method = 'GET', body, within = patience }: Asking = {}): Promise<T> {
    const { status, text } = await this.#send(path, method, body, within)
    const answer = parsed(text)
    if (status >= 200 && status < 300 && answer !== undefined) return answer as T
    throw this.#refusal(status, answer)
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(path: string, method: string, body: unknown, within: number): Promise<Answer> {
    const content = body === undefined ? '' : JSON.stringify(body)
    const headers = {
      Accept: 'application/json',
      'Content-Length': Buffer.byteLength(content),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` }),
    }
    const send = this.url.startsWith('https:') ? httpsRequest : httpRequest
    return new Promise((resolve, reject) => {
      const fail = (cause: Error): void => reject(this.#silence(cause))
      const signal = AbortSignal.timeout(within)
      const outgoing = send(
        `${this.url}${path}`,
        { method, headers, agent: this.#agent, signal },
        (incoming) => void read(incoming).then(resolve, fail),
      )
      outgoing.on('error', fail)
      outgoing.end(content)
    })
  }

  #silence(cause: Error): AfterworkError {
    const { code, name } = cause as NodeJS.ErrnoException
    // Connecting to several addresses fails with an error that has no message.
    const why = name === 'AbortError' ? 'no answer in time' : cause.message || code
    return new AfterworkError('AFTERWORK_NO_SERVICE', `No service answers at ${this.url}: ${why}`, { cause })
  }

  #refusal(status: number, answer: unknown): AfterworkError {
    const { code, detail } = (typeof answer === 'object' && answer !== null ? answer : {}) as Problem
    if (status === 401)
      return new AfterworkError(
        'AFTERWORK_SERVICE_REFUSED',
        `${this.url} wants its token: set AFTERWORK_TOKEN, or name its file with --token-file`,
      )
    const why = typeof detail === 'string' ? detail : `it answered ${status} with what is not of afterwork`
    if (typeof code === 'string' && Object.hasOwn(errorCodes, code))
      return new AfterworkError(code as ErrorCode, why)
    return new AfterworkError('AFTERWORK_SERVICE_REFUSED', `${this.url}: ${why}`)
  }
}

interface Asking {
  method?: string
  body?: unknown
  /** Milliseconds. Default 30 s. */
  within?: number
}

interface Answer {
  status: number
  text: string
}

interface Problem {
  code?: unknown
  detail?: unknown
}

async function read(incoming: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming) {
    size += (chunk as Buffer).length
    if (size > maxAnswer) throw new Error('the answer is too long')
    chunks.push(chunk as Buffer)
  }
  return { status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() }
}

/** Undefined for what is not JSON. */
function parsed(text: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
