import { Batch } from './batch.ts'
import type { Reply } from './envelope.ts'
import type { Flight } from './flight.ts'
import type { Threads } from './threads.ts'

/**
 * How many messages may go out at once in one turn of the loop; the others wait for its end. Threads reply while the
 * loop reads replies, so that a turn in which each is followed by another task would last as long as tasks wait.
 */
const mostAtOnce = 64

/** What becomes of an attempt that was sent. */
interface Ends {
  replied(flight: Flight, reply: Reply): void
  /** The thread ended under it. */
  lost(flight: Flight, error: unknown): void
}

/** Sends attempts to threads, and counts the slots that they take: one a message, however many share it. */
export class Sender {
  readonly #ends: Ends
  #slots = 0
  /** How many messages may yet go out at once in this turn of the loop. */
  #left = mostAtOnce
  /** What waits for the end of this turn. */
  #outbox: Batch[] = []
  /** The batch that is being filled in this turn. */
  #filling: Batch | undefined
  #endExpected = false

  constructor(ends: Ends) {
    this.#ends = ends
  }

  get slots(): number {
    return this.#slots
  }

  /** One attempt in a message of its own. */
  single(flight: Flight, threads: Threads): void {
    const batch = new Batch(threads)
    batch.join(flight)
    this.#slots++
    this.#expectEnd()
    if (this.#left-- > 0) this.#send(batch)
    else this.#outbox.push(batch)
  }

  /** One attempt in the message that all batched ones of this turn of the loop share. */
  batched(flight: Flight, threads: Threads): void {
    let batch = this.#filling
    if (batch === undefined || batch.full || batch.threads !== threads) {
      batch = this.#filling = new Batch(threads)
      this.#slots++
      this.#expectEnd()
      this.#outbox.push(batch)
    }
    batch.join(flight)
  }

  /** Takes a slot until it is time for what takes slots of its own. */
  hold(until: Promise<unknown>, then: () => void): void {
    this.#slots++
    void until.then(() => {
      this.#slots--
      then()
    })
  }

  /** Sends at the end of this turn of the loop what waits for it. */
  #expectEnd(): void {
    if (this.#endExpected) return
    this.#endExpected = true
    setImmediate(() => this.#turnEnds())
  }

  #turnEnds(): void {
    const outbox = this.#outbox
    this.#endExpected = false
    this.#left = mostAtOnce
    this.#outbox = []
    this.#filling = undefined
    for (const batch of outbox) this.#send(batch)
  }

  #send(batch: Batch): void {
    batch.threads.run(batch.work).then(
      (replies) => {
        this.#slots--
        const { flights } = batch
        for (let i = 0; i < flights.length; i++) this.#ends.replied(flights[i]!, replies?.[i])
      },
      (error: unknown) => {
        this.#slots--
        for (const flight of batch.flights) this.#ends.lost(flight, error)
      },
    )
  }
}
