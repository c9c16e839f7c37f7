import type { TaskState } from '../../../core/task.ts'
import type { Statements } from './statements.ts'
import { totalsKeys, type storeSql } from '../sql.ts'

type Kept = Record<(typeof totalsKeys)[number], number>

/** Counters that are kept with every change, written once a transaction. */
export class Totals {
  readonly #statements: Statements<typeof storeSql>
  #kept: Kept
  #saved: Kept

  constructor(statements: Statements<typeof storeSql>) {
    this.#statements = statements
    this.#saved = statements.totals.get() as unknown as Kept
    this.#kept = { ...this.#saved }
  }

  get values(): number[] {
    return totalsKeys.map((key) => this.#kept[key])
  }

  /** Tasks that have not ended. */
  get live(): number {
    const { queued, scheduled, running } = this.#kept
    return queued + scheduled + running
  }

  /** Ended tasks that are remembered. */
  get ended(): number {
    const { succeeded, failed, cancelled } = this.#kept
    return succeeded + failed + cancelled
  }

  get bytes(): number {
    return this.#kept.bytes
  }

  /** Turns that are not over, of groups with more than one and of aliases. */
  get turns(): number {
    return this.#kept.turns
  }

  nextSeq(): number {
    return ++this.#kept.seq
  }

  /** The place of a task in the order in which they end. */
  nextEnded(): number {
    return ++this.#kept.ended
  }

  add(key: TaskState | 'bytes' | 'turns', count: number): void {
    this.#kept[key] += count
  }

  move(from: TaskState, to: TaskState): void {
    this.#kept[from]--
    this.#kept[to]++
  }

  /** What restore() goes back to. */
  mark(): Kept {
    return { ...this.#kept }
  }

  restore(mark: Kept): void {
    this.#kept = mark
  }

  /** Writes them into the transaction. */
  save(): void {
    this.#statements.saveTotals.run(...this.values)
  }

  committed(): void {
    this.#saved = { ...this.#kept }
  }

  rolledBack(): void {
    this.#kept = { ...this.#saved }
  }
}
