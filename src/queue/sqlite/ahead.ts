import { byTurn } from '../lanes.ts'
import type { Entry } from './entry.ts'

/** The most tasks of a pool that may be armed ahead of free slots. */
const most = 1_024

/**
 * Tasks of one pool that are next, taken out of their lanes so that it can be stored ahead of time that they may start
 * any moment: as many as twice what started during the last transaction, for so long may pass until the next is done.
 */
export class Ahead {
  readonly #entries: Entry[] = []
  #first = 0
  #started = 0
  #target = 0

  get head(): Entry | undefined {
    return this.#entries[this.#first]
  }

  /** How many more may be armed. */
  get room(): number {
    return this.#target - (this.#entries.length - this.#first)
  }

  started(count: number): void {
    this.#started += count
  }

  /** A transaction is over. */
  tick(): void {
    this.#target = Math.min(most, Math.max(2 * this.#started, this.#target >> 1))
    this.#started = 0
  }

  /** Nearly always the last; one of higher priority may have come since. */
  push(entry: Entry): void {
    let at = this.#entries.length
    while (at > this.#first && byTurn(entry, this.#entries[at - 1]!) < 0) at--
    this.#entries.splice(at, 0, entry)
  }

  shift(): void {
    this.#entries[this.#first++] = undefined as never
    if (this.#first < 1_024) return
    this.#entries.splice(0, this.#first)
    this.#first = 0
  }

  /** Takes one out that is not the head. */
  remove(entry: Entry): void {
    const at = this.#entries.indexOf(entry, this.#first)
    if (at >= 0) this.#entries.splice(at, 1)
  }

  /** Whether it comes before another, which may be none. */
  isBefore(other: Entry | undefined): boolean {
    return this.head !== undefined && (other === undefined || byTurn(this.head, other) < 0)
  }
}
