import { done, flag, rowState } from '../sql.ts'
import type { Ledger } from './ledger.ts'

interface TaskTurn {
  seq: number
  state: number
  done: number
  flags: number
  run_at: number | null
}

interface AliasTurn {
  seq: number
  target: number | null
  held: number
  reached: number
}

/** The order within requests: the tasks of a group have their turns one after the other. */
export class Turns {
  readonly #ledger: Ledger
  /** Groups whose next turn may have come; advance() looks at them, so that no chain of groups nests calls. */
  #changed: string[] = []

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  changed(group: string): void {
    this.#changed.push(group)
  }

  /** A task has ended: its group goes on, and so do those that wait for it. */
  ended(seq: number, group: string): void {
    this.#changed.push(group)
    for (const { grp } of this.#ledger.sql.followers.all(seq) as unknown as { grp: string }[])
      this.#changed.push(grp)
  }

  /** Gives every changed group its next turn. */
  advance(now: number): void {
    for (let group = this.#changed.pop(); group !== undefined; group = this.#changed.pop())
      while (this.#advance(group, now));
  }

  forget(): void {
    this.#changed = []
  }

  /** Whether a turn is over with this, so that the one after it has come. */
  #advance(group: string, now: number): boolean {
    const { sql } = this.#ledger
    const task = this.#nextTask(group)
    const alias = sql.nextAlias.get(group) as unknown as AliasTurn | undefined
    if (alias !== undefined && (task === undefined || alias.seq < task.seq)) return this.#turnOfAlias(alias)
    if (task === undefined) {
      sql.forgottenAliases.run(group)
      return false
    }
    if (task.state !== rowState.blocked) return false
    if ((task.flags & flag.onlyAfterSuccess) !== 0 && this.#troubled(group, task.seq)) {
      this.#ledger.cancelAfterFailure(task.seq, now)
      return true
    }
    this.#ledger.reach(task.seq, task.run_at, now)
    return false
  }

  #nextTask(group: string): TaskTurn | undefined {
    const { sql } = this.#ledger
    const first = sql.firstOfGroup.get(group) as unknown as TaskTurn | undefined
    if (first !== undefined && first.done === done.no) return first
    return sql.nextOfGroup.get(group) as unknown as TaskTurn | undefined
  }

  #turnOfAlias({ seq, target, held, reached }: AliasTurn): boolean {
    if (held === 1) return false
    const { sql } = this.#ledger
    const { state } = sql.stateOf.get(target) as unknown as { state: number }
    if (state >= rowState.succeeded) {
      sql.endAlias.run(state === rowState.succeeded ? done.well : done.badly, seq)
      this.#ledger.totals.add('turns', -1)
      return true
    }
    if (reached === 0) sql.reachAlias.run(seq)
    return false
  }

  #troubled(group: string, seq: number): boolean {
    const row: unknown = this.#ledger.sql.troubled.get(group, seq, group, seq, group, seq)
    return (row as { troubled: number }).troubled === 1
  }
}
