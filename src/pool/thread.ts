import type { Worker } from 'node:worker_threads'
import type { Failure } from '../core/failure.ts'
import type { Flight } from './flight.ts'
import type { Threads } from './threads.ts'

/** One attempt; none that still runs; or null when there is more than one that may have done it. */
export type Culprit = Flight | 'none of them' | null

/** Why a thread ended or is being ended, and whose doing it was. */
export interface Loss {
  culprit: Culprit
  failure: Failure
}

/** A thread on which something runs, as far as the attempts on it care. */
export class Thread {
  readonly id: number
  loss: Loss | undefined
  readonly #threads: Threads

  constructor(id: number, threads: Threads) {
    this.id = id
    this.#threads = threads
  }

  /** The attempts that run on it. */
  get flights(): Flight[] {
    return this.#threads.flights.on(this.id)
  }

  /** The attempt that runs alone on it. */
  get onlyFlight(): Flight | null {
    const [only, ...others] = this.flights
    return others.length === 0 ? (only ?? null) : null
  }

  get worker(): Worker | undefined {
    return this.#threads.worker(this.id)
  }

  /** Asks it to collect its garbage. */
  collect(): void {
    this.#threads.say({ type: 'collect', thread: this.id })
  }

  /** Ends it, for what its culprit did. */
  lose(loss: Loss): void {
    this.loss ??= loss
    void this.worker?.terminate()
  }
}
