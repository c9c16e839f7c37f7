import TinyQueue from 'tinyqueue'
import { systemClock, type Clock } from '../core/clock.ts'

/** Calls back with what has become due, with one timer for any number of things. */
export class Alarm<T> {
  readonly #waiting = new TinyQueue<{ item: T; at: number }>([], (a, b) => a.at - b.at)
  readonly #ring: (due: T[]) => void
  #cancel = (): void => {}
  readonly #clock: () => number
  readonly #after: Clock['after']
  #ringsAt = Infinity

  /** `clock` tells milliseconds, since 1970 unless it says otherwise; one that jumps is noticed within a minute. */
  constructor(ring: (due: T[]) => void, clock: () => number = Date.now, after = systemClock.after) {
    this.#ring = ring
    this.#clock = clock
    this.#after = after
  }

  /** `at` is a time of the clock. */
  set(item: T, at: number): void {
    this.#waiting.push({ item, at })
    this.#arm()
  }

  clear(): void {
    this.#cancel()
    this.#waiting.data = []
    this.#waiting.length = 0
    this.#ringsAt = Infinity
  }

  #arm(): void {
    const next = this.#waiting.peek()
    if (next === undefined || next.at >= this.#ringsAt) return
    this.#cancel()
    this.#ringsAt = next.at
    this.#cancel = this.#after(Math.max(next.at - this.#clock(), 1), () => this.#collect())
  }

  #collect(): void {
    this.#ringsAt = Infinity
    const due: T[] = []
    for (
      let next = this.#waiting.peek();
      next !== undefined && next.at <= this.#clock();
      next = this.#waiting.peek()
    ) {
      due.push(next.item)
      this.#waiting.pop()
    }
    if (due.length > 0) this.#ring(due)
    this.#arm()
  }
}
