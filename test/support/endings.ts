/** What a test's teardown is registered with: ava's `t`, or the Endings of a whole file. */
export interface Ending {
  teardown(end: () => unknown): void
}

/** Ends what the tests of a file share, the last first: `test.after.always(() => endings.run())`. */
export class Endings implements Ending {
  readonly #ends: (() => unknown)[] = []

  teardown(end: () => unknown): void {
    this.#ends.push(end)
  }

  async run(): Promise<void> {
    for (const end of this.#ends.reverse()) await end()
  }
}
