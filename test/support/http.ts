import { request, type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'

/** What is sent; a body of several chunks goes out chunked, without a Content-Length. */
export interface Sending {
  method?: string
  headers?: OutgoingHttpHeaders
  body?: string | Uint8Array | Iterable<Uint8Array>
  agent?: Agent
}

/** What came back. */
export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  text: string
  json: any
}

/** Sends one request, by default on a connection of its own, and waits for the whole answer. */
export async function send(url: string, { body, agent, ...options }: Sending = {}): Promise<Answer> {
  const whole = typeof body === 'string' || body instanceof Uint8Array ? Buffer.from(body) : undefined
  // The path as it is written: a URL would resolve dots in it.
  const { hostname, port, origin } = new URL(url)
  const path = url.slice(origin.length) || '/'
  const outgoing = request({ ...options, hostname, port, path, agent: agent ?? false })
  if (whole !== undefined)
    outgoing.setHeader('Content-Length', options.headers?.['Content-Length'] ?? whole.length)
  const answered = new Promise<Answer>((resolve, reject) => {
    // A server that refuses a body early may reset the connection after its answer.
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () =>
        resolve(answerOf(incoming.statusCode!, incoming.headers, Buffer.concat(chunks))),
      )
    })
  })
  if (whole !== undefined) outgoing.end(whole)
  else {
    for (const chunk of (body as Iterable<Uint8Array> | undefined) ?? []) outgoing.write(chunk)
    outgoing.end()
  }
  return answered
}

/** Sends JSON by POST. */
export function post(url: string, body: unknown, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  const json = { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers } }
  return send(url, { ...json, body: JSON.stringify(body) })
}

/** Whether nobody answers there any more; a connection that was on its way when the server closed is reset. */
export async function isClosed(url: string): Promise<boolean> {
  try {
    await send(url)
    return false
  } catch (error) {
    return ['ECONNREFUSED', 'ECONNRESET'].includes(String((error as NodeJS.ErrnoException).code))
  }
}

/** Writes bytes of one's own on a connection and gives all that comes back until the server closes it. */
export async function sendRaw(url: string, bytes: string | Uint8Array): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  socket.end(bytes)
  await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}

function answerOf(status: number, headers: IncomingHttpHeaders, body: Buffer): Answer {
  return {
    status,
    headers,
    body,
    get text() {
      return body.toString()
    },
    get json(): unknown {
      return JSON.parse(body.toString())
    },
  }
}
