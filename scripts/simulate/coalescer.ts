import { Line } from './servers.ts'

/** As that of the engine: what is asked while a round goes on is asked together in the next. */
export class SimulatedCoalescer<T> {
  readonly #ask: (items: T[], done: () => void) => void
  readonly #most: number
  readonly #waiting = new Line<T>()
  #isAsking = false

  constructor(ask: (items: T[], done: () => void) => void, most: number) {
    this.#ask = ask
    this.#most = most
  }

  ask(item: T): void {
    this.#waiting.push(item)
    if (!this.#isAsking) this.#round()
  }

  #round(): void {
    const items: T[] = []
    while (items.length < this.#most && this.#waiting.length > 0) items.push(this.#waiting.shift()!)
    this.#isAsking = items.length > 0
    if (this.#isAsking) this.#ask(items, () => this.#round())
  }
}
