import TinyQueue from 'tinyqueue'

interface Happening {
  at: number
  order: number
  happen: () => void
}

/** Simulated time: what is to happen happens in order, and nobody waits. */
export class Timeline {
  readonly #next = new TinyQueue<Happening>([], (a, b) => a.at - b.at || a.order - b.order)
  #order = 0
  #now = 0

  /** Milliseconds since the beginning. */
  get now(): number {
    return this.#now
  }

  /** Calls back in so many milliseconds; those at the same time in the order in which they were asked for. */
  after(ms: number, happen: () => void): void {
    this.#next.push({ at: this.#now + ms, order: this.#order++, happen })
  }

  /** Calls back every so many milliseconds, the first time after `first`. */
  every(ms: number, first: number, happen: () => void): void {
    this.after(first, () => {
      this.every(ms, ms, happen)
      happen()
    })
  }

  /** Lets everything happen until then. */
  runUntil(end: number): void {
    for (let first = this.#next.peek(); first !== undefined && first.at <= end; first = this.#next.peek()) {
      this.#next.pop()
      this.#now = first.at
      first.happen()
    }
    this.#now = end
  }
}
