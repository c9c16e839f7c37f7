import { setTimeout as wait } from 'node:timers/promises'
import { outcomeOf, type AskedRequest, type SentRequest } from './asked.ts'
import type { Life } from './life.ts'
import type { Mix, Outgoing } from './mix.ts'
import { NotSent, send, TimedOut, type Answer, type Sending } from './send.ts'

/** How long a client leaves a service alone that is full, or gone, in milliseconds. */
const backoff = { full: 500, gone: 20 }

/** Clients that make requests at the same time, for as long as the load goes on, and remember what became of each. */
export class Load {
  readonly sent: SentRequest[] = []
  /** Called at once when the status of an acknowledgement is there, with whose it is. */
  onAcknowledged: ((by: Life) => void) | undefined
  readonly #mixes: Mix[]
  readonly #server: () => Promise<Life>
  readonly #signal: AbortSignal
  #on = false
  #clients: Promise<void>[] = []

  /**
   * @param server resolves with a process that takes requests, once there is one, and rejects when the run is over
   * @param signal aborted when the run is over
   */
  constructor(mixes: Mix[], server: () => Promise<Life>, signal: AbortSignal) {
    this.#mixes = mixes
    this.#server = server
    this.#signal = signal
  }

  start(): void {
    this.#on = true
    this.#clients = this.#mixes.map((mix) => this.#client(mix))
  }

  /** Resolves once the last answer has come. */
  async stop(): Promise<void> {
    this.#on = false
    await Promise.all(this.#clients)
  }

  /** An upload of which only half is sent before `halfWay` is called. */
  async uploadSlowly(mix: Mix, halfWay: (to: Life) => Promise<void>): Promise<void> {
    await this.#send(mix.next('upload'), halfWay)
  }

  count(outcome: ReturnType<typeof outcomeOf>): number {
    return this.sent.filter((request) => outcomeOf(request) === outcome).length
  }

  async #client(mix: Mix): Promise<void> {
    try {
      while (this.#on) {
        const status = await this.#send(mix.next())
        const longer = status === 503 ? backoff.full : status === null ? backoff.gone : 0
        await wait(mix.pause() + longer, undefined, { signal: this.#signal })
      }
    } catch (error) {
      if (!this.#signal.aborted) throw error
    }
  }

  async #send(
    { asked, path, body }: Outgoing,
    halfWay?: (to: Life) => Promise<void>,
  ): Promise<number | null> {
    const server = await this.#server()
    // Known from its first byte on: what is cut off may have been heard.
    const request = entry(asked, server.pid)
    this.sent.push(request)
    const onStatus = (status: number) => {
      request.status = status
      if (outcomeOf(request) === 'acknowledged') this.onAcknowledged?.(server)
    }
    const sending: Sending = { body, onStatus, ...(halfWay && { halfWay: () => halfWay(server) }) }
    try {
      const answer = await send(`${server.url}${path}`, sending)
      if (answer !== undefined) note(request, answer)
    } catch (error) {
      if (error instanceof NotSent) this.sent.splice(this.sent.indexOf(request), 1)
      else if (error instanceof TimedOut) request.code = 'TIMED_OUT'
      else throw error
    }
    return request.status
  }
}

function entry(asked: AskedRequest, pid: number): SentRequest {
  return { ...asked, sentAt: Date.now(), pid, status: null, answeredAt: null, code: null, ids: null }
}

function note(request: SentRequest, { status, at, body }: Answer): void {
  request.status = status
  request.answeredAt = at
  // What is no JSON has neither.
  if (body?.[0] !== 0x7b) return
  const { ids, code } = JSON.parse(body.toString()) as { ids?: string[]; code?: string }
  // A 422 of the handler's own carries the ids of what it dropped.
  if (outcomeOf(request) === 'acknowledged') request.ids = ids ?? null
  request.code = code ?? null
}
