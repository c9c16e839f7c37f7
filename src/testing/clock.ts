import type { Clock } from '../core/clock.ts'

interface Timer {
  at: number
  call: () => void
}

/** A clock that stands still until it is moved: delays, retries and limits of a test wait for nothing. */
export class TestClock implements Clock {
  readonly #from: number
  readonly #timers = new Set<Timer>()
  #now: number

  /** `from` is milliseconds since 1970. */
  constructor(from: number) {
    this.#from = from
    this.#now = from
  }

  readonly now = (): number => this.#now

  readonly monotonic = (): number => this.#now

  readonly after = (wait: number, call: () => void): (() => void) => {
    const timer = { at: this.#now + wait, call }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** When the next timer is due, if there is one. */
  get next(): number | undefined {
    return this.#first()?.at
  }

  /** Moves on, and calls back what becomes due on the way, each at its own time. */
  moveTo(at: number): void {
    for (let timer = this.#first(); timer !== undefined && timer.at <= at; timer = this.#first()) {
      this.#timers.delete(timer)
      this.#now = Math.max(this.#now, timer.at)
      timer.call()
    }
    this.#now = Math.max(this.#now, at)
  }

  /** As it was made; who waited is not called any more. */
  reset(): void {
    this.#timers.clear()
    this.#now = this.#from
  }

  #first(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) if (first === undefined || timer.at < first.at) first = timer
    return first
  }
}
