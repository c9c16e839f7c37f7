import type { Known } from '../queue.ts'

/** Clocks that differ by less, in milliseconds, are taken for the same. */
const sameClock = 250

/** This process, one of those that share the database. */
export class Member {
  readonly clock: () => number
  /** Its number among them; 0 before it has joined. */
  process = 0
  /** What it can do; undefined: everything. */
  known: Known | undefined
  #shift = 0

  /** `clock` tells milliseconds since 1970. */
  constructor(clock: () => number) {
    this.clock = clock
  }

  /** Whether it has the stored files at hand. */
  get files(): boolean {
    return this.known?.files ?? true
  }

  /** What brings a time of this process to the clock of the database, in milliseconds. */
  get shift(): number {
    return this.#shift
  }

  /** A time of this process by the clock of the database, in whole milliseconds. */
  there(time: number): number {
    return Math.round(time + this.#shift)
  }

  /** A time of the database by the clock of this process. */
  here(time: number): number {
    return time - this.#shift
  }

  /** The database says that it is `now`, which was asked at this time of this process and has just been answered. */
  compare(now: number, asked: number): void {
    const [least, most] = [now - this.clock(), now - asked]
    // After a round trip that took long, be it that this process was busy, it may be anything between.
    if (this.#shift !== 0 && least <= this.#shift && this.#shift <= most) return
    const same = least < sameClock && most > -sameClock
    this.#shift = same ? 0 : (least + most) / 2
  }
}
