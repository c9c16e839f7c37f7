import { batchSize } from '../core/task.ts'
import { pack, type Work } from './envelope.ts'
import type { Flight } from './flight.ts'
import type { Threads } from './threads.ts'

/** Attempts that go to a thread in one message, and whose replies come back in one; most are one alone. */
export class Batch {
  readonly threads: Threads
  readonly flights: Flight[] = []
  readonly work: Work = []

  constructor(threads: Threads) {
    this.threads = threads
  }

  get full(): boolean {
    return this.flights.length === batchSize
  }

  join(flight: Flight): void {
    flight.threads = this.threads
    flight.leads = this.flights.length === 0
    this.threads.flights.add(flight)
    this.flights.push(flight)
    pack(this.work, flight.row, flight.task)
  }
}
