import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { TaskState } from '../../../core/task.ts'
import { recoverSql, storeSql, taskColumns } from '../sql.ts'
import { openDatabase } from '../store/database.ts'
import { Ledger } from '../store/ledger.ts'
import { prepareLazily, type Statements } from '../store/statements.ts'
import { linkOrCopy } from './swap.ts'
import type { Value } from './record.ts'
import { filesIn, type TaskRow } from './sound.ts'

/** What cannot be known of the tasks that are saved. */
export interface Doubts {
  /** Which ready tasks may have started. */
  attempts: boolean
  /** Whether rows are the newest of their task. */
  rows: boolean
  /** Groups of which turns are lost that did not end well, with the seq of the first. */
  groups: ReadonlyMap<string, number>
}

const sql = { ...storeSql, ...recoverSql }

/** The file that what can be read is written to, all in one transaction. */
export class NewFile {
  /** Where all of it is once more, as a WAL: see swap(). */
  readonly wal: string
  readonly seqs = new Set<number>()
  aliases = 0
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #sql: Statements<typeof sql>

  /** A file that an earlier attempt left behind is begun anew. */
  constructor(path: string) {
    this.#path = path
    this.wal = `${path}-all`
    this.remove()
    this.#database = openDatabase(path, false)
    // The WAL is to hold every page.
    this.#database.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -64000; BEGIN IMMEDIATE')
    this.#sql = prepareLazily(this.#database, sql)
  }

  /** The first pages of its tables and indexes. */
  get roots(): Map<string, number> {
    const roots = this.#sql.roots.all() as unknown as { name: string; rootpage: number }[]
    return new Map(roots.map(({ name, rootpage }) => [name, rootpage]))
  }

  /** False where another task has its id or live key. */
  task(row: TaskRow): boolean {
    const { changes } = this.#sql.task.run(...known(taskColumns.map((column) => row[column])))
    if (changes === 0) return false
    const seq = row.seq as number
    this.seqs.add(seq)
    if (row.files !== null)
      for (const file of filesIn(row.files as string)!) this.#sql.insertFile.run(file, seq)
    return true
  }

  attempt(values: readonly Value[]): void {
    this.#sql.attempt.run(...known(values))
  }

  alias(values: readonly Value[]): void {
    this.aliases += Number(this.#sql.alias.run(...known(values)).changes)
  }

  start(name: string, at: number): void {
    this.#sql.rateStart.run(name, at)
  }

  receipt(values: readonly Value[]): void {
    this.#sql.savedReceipt.run(...known(values))
  }

  pause(pool: string): void {
    this.#sql.pause.run(pool)
  }

  /**
   * Makes the tables agree with one another, lets turns come whose predecessors are lost, counts, and commits.
   * Gives the counters, and how many tasks were cancelled because an earlier one of their request is lost.
   */
  settle(doubts: Doubts, last: { seq: number; ended: number }, now: number): Settled {
    const statements = this.#sql
    const doubted =
      doubts.attempts || doubts.rows ? Number(statements.doubt.run(now, doubts.rows ? 1 : 0).changes) : 0
    for (const name of ['strayAttempts', 'startedReady', 'lostTargets', 'strayAliases'] as const)
      statements[name].run()
    statements.count.run(last.seq, last.ended)
    const ledger = new Ledger(this.#database)
    const cancelled = this.#cancelCautious(ledger, doubts.groups, now)
    for (const { grp } of statements.groups.all() as unknown as { grp: string }[]) ledger.changed(grp)
    ledger.advance(now)
    ledger.totals.save()
    this.#database.exec('COMMIT')
    const {
      queued,
      scheduled,
      running,
      succeeded,
      failed,
      cancelled: ended,
    } = statements.totals.get() as never as Saved
    return { saved: { queued, scheduled, running, succeeded, failed, cancelled: ended }, doubted, cancelled }
  }

  /** Closes it; it is on disk then, twice. */
  close(): void {
    // Closing takes the name of the WAL away, not what another name keeps.
    linkOrCopy(`${this.#path}-wal`, this.wal)
    this.#database.close()
    for (const path of [this.#path, this.wal]) sync(path)
  }

  /** Takes away what is left of it. */
  remove(): void {
    if (this.#database?.isOpen) this.#database.close()
    for (const ending of ['', '-wal', '-shm', '-all']) rmSync(this.#path + ending, { force: true })
  }

  #cancelCautious(ledger: Ledger, groups: ReadonlyMap<string, number>, now: number): number {
    const { leaderless, cautious } = this.#sql
    const from = new Map(groups)
    for (const { grp, seq } of leaderless.all() as unknown as { grp: string; seq: number }[])
      from.set(grp, Math.min(seq, from.get(grp) ?? seq))
    const before = ledger.totals.ended
    for (const [grp, seq] of from) {
      for (const task of cautious.all(grp, seq) as unknown as { seq: number }[])
        ledger.cancelAfterFailure(task.seq, now)
    }
    return ledger.totals.ended - before
  }
}

type Saved = Record<TaskState, number>

export interface Settled {
  saved: Saved
  /** At-most-once tasks that may have started. */
  doubted: number
  cancelled: number
}

/** Values that were checked. */
function known(values: readonly Value[]): (null | number | string)[] {
  return values as (null | number | string)[]
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r+')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
