import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Ending } from './endings.ts'

/** A request that a Receiver got, whole. */
export interface ReceivedRequest {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
}

/** Answers a request; one that does not end its response leaves the sender waiting. */
export type Answering = (response: ServerResponse, request: ReceivedRequest, index: number) => unknown

/** A real HTTP server that keeps what it gets and answers as a test says, by default 204. */
export class Receiver {
  readonly received: ReceivedRequest[] = []
  connections = 0
  answer: Answering = (response) => response.writeHead(204).end()
  readonly #watchers = new Set<() => void>()
  readonly #server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const { method = '', url = '', headers } = incoming
      const request = { method, path: url, headers, body: Buffer.concat(chunks).toString() }
      this.received.push(request)
      this.answer(response, request, this.received.length - 1)
      for (const look of this.#watchers) look()
    })
  })

  constructor() {
    this.#server.on('connection', () => this.connections++)
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** The first request that matches, past or to come. */
  until(matches: (request: ReceivedRequest, index: number) => boolean): Promise<ReceivedRequest> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.received.find(matches)
        if (found === undefined) return
        this.#watchers.delete(look)
        resolve(found)
      }
      this.#watchers.add(look)
      look()
    })
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

/** A receiver that ends with the test. */
export async function startReceiver(ending: Ending, answer?: Answering): Promise<Receiver> {
  const receiver = await new Receiver().listen()
  if (answer !== undefined) receiver.answer = answer
  ending.teardown(() => receiver.close())
  return receiver
}
