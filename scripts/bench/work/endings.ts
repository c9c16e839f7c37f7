/** Counts the ends of tasks, and tells when so many have ended since it was last asked for. */
export class Endings {
  #left = 0
  #done = (): void => {}

  /** Resolves after so many calls of ended(). */
  next(count: number): Promise<void> {
    this.#left = count
    return new Promise((resolve) => (this.#done = resolve))
  }

  ended(count = 1): void {
    this.#left -= count
    if (this.#left === 0) this.#done()
  }
}
