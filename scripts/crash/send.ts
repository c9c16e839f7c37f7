import { Agent, request } from 'node:http'

/** A body to post. */
export interface Body {
  type: string
  content: Uint8Array
}

/** What came back. */
export interface Answer {
  status: number
  /** When the status came, in milliseconds since 1970. */
  at: number
  /** All of the body, or undefined where the connection was cut in its middle. */
  body: Buffer | undefined
}

/** How a request is made. */
export interface Sending {
  body?: Body
  /** Called when half of the body went out; the rest waits for it. */
  halfWay?: () => Promise<void>
  /** Called at once when the status is there. */
  onStatus?: (status: number) => void
}

/** How long an answer may take, in milliseconds. */
const patience = 30_000

/** Nobody was there: the request never went out. */
export class NotSent extends Error {}

/** The service is there, but does not answer. */
export class TimedOut extends Error {}

const agent = new Agent({ keepAlive: true })

/** Sends one request; undefined when the connection was cut before a status came. Throws NotSent, TimedOut. */
export function send(url: string, { body, halfWay, onStatus }: Sending = {}): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method: body === undefined ? 'GET' : 'POST',
      agent,
      timeout: patience,
      headers: body === undefined ? {} : { 'Content-Type': body.type, 'Content-Length': body.content.length },
    })
    outgoing.on('timeout', () => {
      reject(new TimedOut(`no answer within ${patience / 1_000} s`))
      outgoing.destroy()
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') reject(new NotSent(error.message, { cause: error }))
      else resolve(undefined)
    })
    outgoing.on('response', (incoming) => {
      const status = incoming.statusCode!
      const at = Date.now()
      onStatus?.(status)
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', () => {})
      incoming.on('close', () => {
        resolve({ status, at, body: incoming.complete ? Buffer.concat(chunks) : undefined })
      })
    })
    if (body === undefined || halfWay === undefined) return void outgoing.end(body?.content)
    const half = Math.floor(body.content.length / 2)
    outgoing.write(body.content.subarray(0, half), () => {
      void halfWay().then(() => outgoing.end(body.content.subarray(half)))
    })
  })
}

/** What a GET of JSON brings; throws when there is another answer than 200, with the status as `status`. */
export async function getJson<T>(url: string): Promise<T> {
  const answer = await send(url)
  if (answer?.status === 200 && answer.body !== undefined) return JSON.parse(answer.body.toString()) as T
  const status = answer?.status
  throw Object.assign(new Error(`GET ${url} was answered ${status ?? 'by nobody'}`), { status })
}
