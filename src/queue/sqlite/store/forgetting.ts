import { defaults } from '../../../core/options.ts'
import { done, rowState } from '../sql.ts'
import { filesOf, type Ledger } from './ledger.ts'

interface EndedRow {
  seq: number
  state: number
  files: string | null
  ended_at: number
}

/** How many more tasks are forgotten at a time than have ended: few enough to hold nothing up. */
const extra = 16

/** Forgets ended tasks, a few with each that ends. */
export class Forgetting {
  readonly #ledger: Ledger
  /** How many are remembered. */
  readonly #keep: number

  constructor(ledger: Ledger, keep: number) {
    this.#ledger = ledger
    this.#keep = keep
  }

  /**
   * Forgets those that are too many, oldest end first, and those that have been kept for as long as they wanted; of
   * each not many more than have `ended` meanwhile.
   */
  forget(now: number, ended = 0): void {
    const { sql, totals } = this.#ledger
    const most = ended + extra
    const surplus = Math.min(totals.ended - this.#keep, most)
    if (surplus > 0) for (const row of sql.oldest.all(surplus) as unknown as EndedRow[]) this.#forget(row)
    for (const row of sql.expired.all(now, most) as unknown as EndedRow[]) this.#forget(row)
    if (ended === 0) sql.forgetReceipts.run(now, 1_000)
    const [oldest] = sql.oldest.all(1) as unknown as EndedRow[]
    if (oldest !== undefined && oldest.ended_at + defaults.keepResult < now) this.#forgetOld(now, most)
  }

  /** Removes a row with all that hangs on it. */
  remove(seq: number, files: string | null): void {
    const { sql } = this.#ledger
    if (files !== null) for (const { id } of filesOf(files)) sql.forgetFile.run(id, seq)
    sql.forgetAliases.run(seq)
    sql.forget.run(seq)
  }

  /** Forgets one that has ended, by hand. */
  purge(row: Pick<EndedRow, 'seq' | 'state' | 'files'>): void {
    this.#forget(row)
  }

  #forgetOld(now: number, most: number): void {
    for (const row of this.#ledger.sql.oldest.all(most) as unknown as EndedRow[]) {
      if (row.ended_at + defaults.keepResult >= now) return
      this.#forget(row)
    }
  }

  #forget({ seq, state, files }: Pick<EndedRow, 'seq' | 'state' | 'files'>): void {
    const { sql, totals } = this.#ledger
    totals.add(
      state === rowState.succeeded ? 'succeeded' : state === rowState.failed ? 'failed' : 'cancelled',
      -1,
    )
    // Turns of aliases that have not come yet are over with the task, as it ended.
    if (totals.turns > 0) {
      const over = state === rowState.succeeded ? done.well : done.badly
      totals.add('turns', -Number(sql.orphanAliases.run(over, seq).changes))
    }
    this.remove(seq, files)
  }
}
