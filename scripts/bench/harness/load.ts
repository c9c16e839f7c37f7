import type { ChildProcess } from 'node:child_process'
import type { ClosedOptions, ClosedResult } from './closed-loop.ts'
import type { OpenOptions, OpenResult } from './open-loop.ts'
import { forkScript } from './system.ts'

/** What the harness asks of the process that makes the load. */
export type LoadRequest =
  | { id: number; type: 'open'; options: OpenOptions }
  | { id: number; type: 'closed'; options: ClosedOptions }
  | { id: number; type: 'stop' }

/** What that process answers. */
export type LoadReply = { id: number; result: OpenResult | ClosedResult } | { id: number; error: string }

/** Lets a loop be ended before its time. */
interface Stoppable {
  signal?: AbortSignal
}

/** The load generator, in a process of its own until stop(). */
export class Load {
  readonly #process: ChildProcess = forkScript('../load.ts')
  readonly #settle = new Map<number, (reply: LoadReply) => void>()
  #runs = 0

  constructor() {
    this.#process.on('message', (reply: LoadReply) => this.#settle.get(reply.id)?.(reply))
    this.#process.once('exit', (code, signal) => {
      const error = `The load generator ended with ${code ?? signal}`
      for (const [id, settle] of this.#settle) settle({ id, error })
    })
  }

  /** Sends at a fixed rate, and tells how long answers took; for latencies. */
  open({ signal, ...options }: OpenOptions & Stoppable): Promise<OpenResult> {
    return this.#run({ id: this.#runs++, type: 'open', options }, signal) as Promise<OpenResult>
  }

  /** Sends the next request of a connection when the last was answered; for throughput. */
  closed({ signal, ...options }: ClosedOptions & Stoppable): Promise<ClosedResult> {
    return this.#run({ id: this.#runs++, type: 'closed', options }, signal) as Promise<ClosedResult>
  }

  stop(): void {
    if (this.#process.connected) this.#process.disconnect()
  }

  async #run(request: LoadRequest, signal?: AbortSignal): Promise<OpenResult | ClosedResult> {
    const { id } = request
    const stop = (): void => void this.#process.send({ id, type: 'stop' } satisfies LoadRequest)
    const replied = new Promise<LoadReply>((resolve) => this.#settle.set(id, resolve))
    this.#process.send(request)
    if (signal?.aborted === true) stop()
    signal?.addEventListener('abort', stop, { once: true })
    const reply = await replied
    signal?.removeEventListener('abort', stop)
    this.#settle.delete(id)
    if ('error' in reply) throw new Error(reply.error)
    return reply.result
  }
}
