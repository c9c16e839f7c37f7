import TinyQueue from 'tinyqueue'

/** The longest a Node.js timer can wait. */
const maxTimer = 2 ** 31 - 1

/** Calls back with what has become due, with one timer for any number of things. */
export class Alarm<T> {
  readonly #waiting = new TinyQueue<{ item: T; at: number }>([], (a, b) => a.at - b.at)
  readonly #ring: (due: T[]) => void
  #timer: NodeJS.Timeout | undefined
  #ringsAt = Infinity

  constructor(ring: (due: T[]) => void) {
    this.#ring = ring
  }

  /** `at` is milliseconds since 1970. */
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
    const wait = Math.min(Math.max(next.at - Date.now(), 1), maxTimer)
    this.#timer = setTimeout(() => this.#collect(), wait)
  }

  #collect(): void {
    this.#ringsAt = Infinity
    const due: T[] = []
    for (
      let next = this.#waiting.peek();
      next !== undefined && next.at <= Date.now();
      next = this.#waiting.peek()
    ) {
      due.push(next.item)
      this.#waiting.pop()
    }
    if (due.length > 0) this.#ring(due)
    this.#arm()
  }
}
