import { Alarm } from './alarm.ts'

/** How long it takes to ask for due tasks again when that failed, in milliseconds. */
const again = 1_000

/** Wakes up when the next of the scheduled tasks, which are on disk only, comes due. */
export class Due {
  readonly #clock: () => number
  readonly #take: (now: number) => Promise<number | null>
  readonly #alarm: Alarm<null>
  #next = Infinity
  #stopped = false

  /** `take` takes in what is due, and gives when the next will be, in milliseconds since 1970. */
  constructor(clock: () => number, take: (now: number) => Promise<number | null>) {
    this.#clock = clock
    this.#take = take
    this.#alarm = new Alarm<null>(() => void this.#ring(), clock)
  }

  /** A task comes due at this time. */
  at(time: number): void {
    if (this.#stopped || time >= this.#next) return
    this.#next = time
    this.#alarm.set(null, time)
  }

  /** Rings no more, whatever it is told. */
  stop(): void {
    this.#stopped = true
    this.#alarm.clear()
  }

  async #ring(): Promise<void> {
    this.#next = Infinity
    try {
      const next = await this.#take(this.#clock())
      if (next !== null) this.at(next)
    } catch {
      // It was reported where it failed.
      this.at(this.#clock() + again)
    }
  }
}
