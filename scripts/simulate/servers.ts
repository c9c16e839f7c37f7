import type { Timeline } from './timeline.ts'

/** A line of those that wait, from which the first is taken without moving the others. */
export class Line<T> {
  #items: T[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    const item = this.#items[this.#head++]
    if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    if (this.#head > this.#items.length) this.#head = this.#items.length
    return item
  }
}

/** So many of a kind, such as processors, connections or one lock; first come, first served. */
export class Servers {
  readonly #timeline: Timeline
  readonly #count: number
  readonly #line = new Line<() => void>()
  #taken = 0
  #busy = 0
  /** Until when #busy is known, and from when on. */
  #known = 0
  #start = 0

  constructor(timeline: Timeline, count: number) {
    this.#timeline = timeline
    this.#count = count
  }

  /** Calls back when there is one to take; give() gives it back. */
  take(taken: () => void): void {
    if (this.#taken === this.#count) return this.#line.push(taken)
    this.#add(1)
    taken()
  }

  /** Whether one could be taken at once. */
  tryTake(): boolean {
    if (this.#taken === this.#count) return false
    this.#add(1)
    return true
  }

  give(): void {
    const next = this.#line.shift()
    if (next === undefined) this.#add(-1)
    else next()
  }

  /** Takes one for so many milliseconds. */
  use(ms: number, done: () => void): void {
    this.take(() =>
      this.#timeline.after(ms, () => {
        this.give()
        done()
      }),
    )
  }

  /** Begins to count anew. */
  reset(): void {
    this.#add(0)
    this.#busy = 0
    this.#start = this.#timeline.now
  }

  /** The share of the time since reset() for which they were taken, of 1. */
  get used(): number {
    this.#add(0)
    return this.#busy / (this.#timeline.now - this.#start) / this.#count
  }

  #add(more: number): void {
    const { now } = this.#timeline
    this.#busy += this.#taken * (now - this.#known)
    this.#known = now
    this.#taken += more
  }
}
