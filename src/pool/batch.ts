import { batchSize } from '../core/task.ts'
import type { Envelope, Reply } from './envelope.ts'
import type { Flight } from './flight.ts'

/** Attempts that go to a thread in one message, and whose replies come back in one. */
export class Batch {
  /** The attempt that began last: those before it have ended, though their replies are yet to come. */
  running: Flight | undefined
  readonly #send: (envelopes: Envelope[]) => Promise<Reply[]>
  readonly #envelopes: Envelope[] = []
  readonly #replies = Promise.withResolvers<Reply[]>()
  #sent = false

  constructor(send: (envelopes: Envelope[]) => Promise<Reply[]>) {
    this.#send = send
    // Whoever joined sees the error; nobody may have.
    this.#replies.promise.catch(() => {})
  }

  /** Whether no more can join. */
  get closed(): boolean {
    return this.#sent || this.#envelopes.length === batchSize
  }

  /** The reply to one attempt; rejects when the thread ends under the batch. */
  async join(envelope: Envelope): Promise<Reply> {
    const index = this.#envelopes.push(envelope) - 1
    return (await this.#replies.promise)[index]!
  }

  /** Sends what has joined; asked again it does nothing. */
  send(): void {
    if (this.#sent) return
    this.#sent = true
    this.#send(this.#envelopes).then(this.#replies.resolve, this.#replies.reject)
  }
}
