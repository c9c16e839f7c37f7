// By its module: a test's fake timers put theirs in the place of the global one.
import { setImmediate } from 'node:timers'

/** Calls back, in a later turn of the loop, once a pool and turn, however many tasks became claimable in it. */
export class Announcer {
  readonly #listeners: ((pool: string) => void)[] = []
  readonly #pools = new Set<string>()

  listen(listener: (pool: string) => void): void {
    this.#listeners.push(listener)
  }

  announce(pool: string): void {
    if (this.#pools.size === 0) setImmediate(() => this.#tell())
    this.#pools.add(pool)
  }

  #tell(): void {
    const pools = [...this.#pools]
    this.#pools.clear()
    for (const pool of pools) for (const listener of this.#listeners) listener(pool)
  }
}
