import TinyQueue from 'tinyqueue'

/** How long a timer waits at most, in milliseconds: a clock that was put forward makes things due before their timer. */
const maxTimer = 60_000

/** Calls back with what has become due, with one timer for any number of things. */
export class Alarm<T> {
  readonly #waiting = new TinyQueue<{ item: T; at: number }>([], (a, b) => a.at - b.at)
  readonly #ring: (due: T[]) => void
  #timer: NodeJS.Timeout | undefined
  readonly #clock: () => number
  #ringsAt = Infinity

  /** `clock` tells milliseconds, since 1970 unless it says otherwise; one that jumps is noticed within a minute. */
  constructor(ring: (due: T[]) => void, clock: () => number = Date.now) {
    this.#ring = ring
    this.#clock = clock
  }

  /** `at` is a time of the clock. */
  set(item: T, at: number): void {
    this.#waiting.push({ item, at })
    this.#arm()
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#waiting.data = []
    this.#waiting.length = 0
    this.#ringsAt = Infinity
  }

  #arm(): void {
    const next = this.#waiting.peek()
    if (next === undefined || next.at >= this.#ringsAt) return
    clearTimeout(this.#timer)
    this.#ringsAt = next.at
    const wait = Math.min(Math.max(next.at - this.#clock(), 1), maxTimer)
    this.#timer = setTimeout(() => this.#collect(), wait)
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
