import type { ClaimedTask } from '../core/task.ts'
import { Batch } from './batch.ts'
import type { Envelope, Reply } from './envelope.ts'
import type { Flight } from './flight.ts'
import type { Threads } from './threads.ts'

/** Sends attempts to threads, and counts the slots that they take: one a message, however many share it. */
export class Sender {
  #slots = 0
  /** The batch that is being filled in this turn of the loop. */
  #batch: Batch | undefined

  get slots(): number {
    return this.#slots
  }

  /** One attempt in a message of its own. */
  single({ task }: Flight, threads: Threads): Promise<Reply> {
    return this.fill(() => threads.run(envelopeOf(task)))
  }

  /** One attempt in the message that all batched ones of this turn of the loop share. */
  batched(flight: Flight, threads: Threads): Promise<Reply> {
    if (this.#batch === undefined || this.#batch.closed) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const batch = new Batch((envelopes) => threads.runAll(envelopes).finally(resolve))
      this.#batch = batch
      void this.fill(() => promise)
      queueMicrotask(() => batch.send())
    }
    flight.batch = this.#batch
    return flight.batch.join(envelopeOf(flight.task))
  }

  /** Takes a slot for as long as the work lasts. */
  async fill<T>(work: () => Promise<T>): Promise<T> {
    this.#slots++
    try {
      return await work()
    } finally {
      this.#slots--
    }
  }
}

function envelopeOf({ id, attempt, name, args }: ClaimedTask): Envelope {
  return { id, attempt, name, args }
}
