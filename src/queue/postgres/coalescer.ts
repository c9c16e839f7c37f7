/** Collects what is asked while a round goes on, and asks it all together in the next. */
export class Coalescer<Item, Answer> {
  readonly #ask: (items: Item[]) => Promise<readonly (Answer | Error)[]>
  readonly #most: number
  #waiting: { item: Item; resolve: (answer: Answer) => void; reject: (error: unknown) => void }[] = []
  #rounds = 0
  #onIdle: (() => void)[] = []

  /** `ask` gives an answer or an error for each item, in their order; `most` items are asked in one round. */
  constructor(ask: (items: Item[]) => Promise<readonly (Answer | Error)[]>, most = 1_000) {
    this.#ask = ask
    this.#most = most
  }

  ask(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (this.#rounds === 0) this.#begin()
    })
  }

  /** Resolves when everything that was asked so far is answered. */
  async idle(): Promise<void> {
    if (this.#rounds > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve))
  }

  #begin(): void {
    this.#rounds++
    // What else is asked in this turn of the loop goes along.
    setImmediate(() => void this.#round())
  }

  async #round(): Promise<void> {
    const asked = this.#waiting.splice(0, this.#most)
    try {
      const answers = await this.#ask(asked.map(({ item }) => item))
      asked.forEach(({ resolve, reject }, at) => {
        const answer = answers[at]
        if (answer instanceof Error) reject(answer)
        else resolve(answer as Answer)
      })
    } catch (error) {
      for (const { reject } of asked) reject(error)
    }
    if (this.#waiting.length > 0) return void this.#round()
    this.#rounds--
    if (this.#rounds === 0) for (const resolve of this.#onIdle.splice(0)) resolve()
  }
}
