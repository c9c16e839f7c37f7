import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { AfterworkError } from '../../../core/errors.ts'
import { defaults } from '../../../core/options.ts'
import type { Receipt } from '../../../core/receipt.ts'
import { hasEnded, type TaskRecord, type TaskState } from '../../../core/task.ts'
import { receiptExists } from '../../receipts.ts'
import {
  ask,
  Cursor,
  type CancelResult,
  type RefillResult,
  type Refusal,
  type StoreData,
} from '../message.ts'
import type { WaitingRow } from '../row.ts'
import { done, flag, rowState } from '../sql.ts'
import { Forgetting } from './forgetting.ts'
import { isSimpleRow, Ledger, readRow, readSimpleRow, type NewRow } from './ledger.ts'
import { conflict, notFound, refused } from './refusal.ts'
import { readSettled, readSucceeded, type Settled } from './settled.ts'

/** Where a WaitingRow as an array has its bytes. */
const bytesColumn = 10
/** SQLite's code for a row that breaks a rule of its table: the operation's own fault, not the file's. */
const constraint = 19

/** Carries out what messages ask, each message in one transaction. */
export class Store {
  readonly #database: DatabaseSync
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #bounds: Pick<StoreData, 'maxTasks' | 'maxBytes'>
  readonly #ledger: Ledger
  readonly #forgetting: Forgetting
  /** Gives arrays: there are a thousand rows at a time. */
  readonly #refillRows: StatementSync
  /** What the main thread's clock said last. */
  #now = 0

  constructor(database: DatabaseSync, data: StoreData) {
    this.#database = database
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    this.#bounds = data
    this.#ledger = new Ledger(database)
    this.#refillRows = this.#ledger.sql.refill
    this.#refillRows.setReturnArrays(true)
    this.#forgetting = new Forgetting(this.#ledger, data.keepTasks)
  }

  get ledger(): Ledger {
    return this.#ledger
  }

  /**
   * Carries out all that a message asks, and commits it; a result for each operation. An operation that breaks a rule
   * is refused alone; any other error rolls everything back and is thrown.
   */
  apply(message: readonly unknown[]): unknown[] {
    const cursor = new Cursor(message)
    const results: unknown[] = []
    this.transaction(() => {
      const { totals } = this.#ledger
      const before = totals.ended
      while (!cursor.done) results.push(this.#apply(cursor))
      if (totals.ended > before) this.#forgetting.forget(this.#now, totals.ended - before)
    })
    return results
  }

  /** Runs `work` in a transaction that is on disk when this returns. */
  transaction(work: () => void): void {
    const ledger = this.#ledger
    ledger.news = []
    this.#begin.run()
    try {
      work()
      ledger.totals.save()
      this.#commit.run()
      ledger.totals.committed()
    } catch (error) {
      ledger.rolledBack()
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  #apply(cursor: Cursor): unknown {
    const { sql } = this.#ledger
    switch (cursor.next<number>()) {
      case ask.add:
        return this.#add(cursor, readReceipt, readRows)
      case ask.addSimple:
        return this.#add(cursor, noReceipt, (of) => [readSimpleRow(of)])
      case ask.release: {
        const now = cursor.next<number>()
        for (const id of texts(cursor)) this.#ledger.release(id)
        return this.#ledger.advance(now)
      }
      case ask.arm:
        return void sql.arm.run(cursor.next<string>())
      case ask.start: {
        const { changes } = sql.start.run(cursor.next<number>(), cursor.next<number>(), cursor.next<string>())
        this.#ledger.totals.add('queued', -Number(changes))
        this.#ledger.totals.add('running', Number(changes))
        return undefined
      }
      case ask.rate: {
        const [name, at, per] = [cursor.next<string>(), cursor.next<number>(), cursor.next<number>()]
        sql.forgetStarts.run(name, at - per)
        return void sql.rateStart.run(name, at)
      }
      case ask.unarm:
        return void sql.unarm.run()
      case ask.settle:
        return this.#settle(readSettled(cursor), readRows(cursor))
      case ask.succeed:
        return this.#settle(readSucceeded(cursor), noRows)
      case ask.cancel:
        return this.#cancel(cursor)
      case ask.cancelById:
        return this.#cancelById(cursor)
      case ask.retry:
        return this.#retry(cursor)
      case ask.due:
        return this.#due(cursor)
      case ask.refill:
        return this.#refill(cursor)
      case ask.pause: {
        const [pool, paused] = [cursor.next<string>(), cursor.next<boolean>()]
        return void (paused ? sql.pause : sql.resume).run(pool)
      }
      case ask.discard: {
        const now = cursor.next<number>()
        const key = cursor.next<string | null>()
        if (key !== null) sql.removeReceipt.run(key)
        for (const id of texts(cursor)) this.#discard(id)
        return this.#ledger.advance(now)
      }
      case ask.trim:
        return this.#forgetting.forget(cursor.next<number>())
      case ask.purge:
        return this.#purge(cursor.next())
      default:
        throw new Error('The store was asked something that it does not know')
    }
  }

  /** All of the rows or none; the seq of the first. */
  #add(
    cursor: Cursor,
    readReceipt: (cursor: Cursor) => Receipt | undefined,
    read: (cursor: Cursor) => readonly NewRow[],
  ): number | Refusal {
    const now = cursor.next<number>()
    const held = cursor.next<boolean>()
    const unbounded = cursor.next<boolean>()
    const receipt = readReceipt(cursor)
    const rows = read(cursor)
    const { sql } = this.#ledger
    if (receipt !== undefined && sql.receipt.get(receipt.key, now) !== undefined)
      return refused(receiptExists())
    if (!unbounded) {
      const refusal = this.#refusal(rows)
      if (refusal !== undefined) return refusal
    }
    const single = rows.length === 1 && rows[0]!.files === null && isSimpleRow(rows[0]!)
    return this.#savepoint(!single || receipt !== undefined, () => {
      if (receipt !== undefined) this.#keep(receipt, now)
      const seqs = rows.map((row) => this.#ledger.insert(row, held, now))
      this.#ledger.advance(now)
      return seqs[0] ?? 0
    })
  }

  /** With each that comes, some of those go whose time is over. */
  #keep({ key, fingerprint, answer, expiresAt }: Receipt, now: number): void {
    const { sql } = this.#ledger
    sql.forgetReceipts.run(now, 4)
    sql.insertReceipt.run(key, fingerprint, answer, expiresAt)
  }

  #purge(id: string): void | Refusal {
    const row = this.#find(id)
    if (row === undefined) return notFound(id)
    const { state } = this.#ledger.record(row.seq)
    if (!hasEnded(state)) return conflict(`Task ${id} cannot be forgotten: it is ${state}`)
    this.#forgetting.purge(row)
    this.#ledger.advance(this.#now)
  }

  /** Only what becomes a task counts, and no alias. */
  #refusal(rows: readonly NewRow[]): Refusal | undefined {
    const { maxTasks, maxBytes } = this.#bounds
    const { sql, totals } = this.#ledger
    let keys: Set<string> | undefined
    let count = 0
    let bytes = 0
    for (const { name, key, bytes: size } of rows) {
      if (key !== null) {
        keys ??= new Set()
        const named = JSON.stringify([name, key])
        if (keys.has(named) || sql.living.get(name, key) !== undefined) continue
        keys.add(named)
      }
      count++
      bytes += size
    }
    if (count === 0 || (totals.live + count <= maxTasks && totals.bytes + bytes <= maxBytes)) return undefined
    return refused(
      new AfterworkError(
        'AFTERWORK_QUEUE_FULL',
        `The queue is full: it holds ${totals.live} of ${maxTasks} tasks and ${totals.bytes} of ${maxBytes} bytes; try again later`,
      ),
    )
  }

  /** An operation of several statements that breaks a rule is undone alone. */
  #savepoint<T>(several: boolean, work: () => T): T | Refusal {
    const ledger = this.#ledger
    const mark = several ? ledger.totals.mark() : undefined
    const news = ledger.news.length
    if (several) this.#database.exec('SAVEPOINT operation')
    try {
      const result = work()
      if (several) this.#database.exec('RELEASE operation')
      return result
    } catch (error) {
      if (((error as { errcode?: number }).errcode ?? 0) % 256 !== constraint) throw error
      // A single statement that failed has changed nothing, the totals included.
      if (mark !== undefined) {
        this.#database.exec('ROLLBACK TO operation; RELEASE operation')
        ledger.rolledBack(mark, news)
      }
      return { refused: 'AFTERWORK_QUEUE_FAILED', message: (error as Error).message }
    }
  }

  #settle(settled: Settled, followUps: readonly NewRow[]): void | Refusal {
    return this.#savepoint(followUps.length > 0, () => {
      // One that is asked again, because the store died before it could answer, has no attempt any more.
      const from = this.#ledger.endAttempt(settled.seq)
      if (from === undefined) return this.#ledger.tellAgain(settled.seq)
      this.#end(settled, from)
      for (const row of followUps) this.#ledger.insertReady(row, settled.at)
      this.#ledger.advance(settled.at)
    })
  }

  #end(settled: Settled, from: TaskState): void {
    const { seq, state, attempt, startedAt, at, error, progress, flags } = settled
    this.#now = at
    const { sql, totals } = this.#ledger
    if (state === 'scheduled' || state === 'queued') {
      const { runAt, suspect } = settled
      const later = state === 'scheduled' && runAt !== null && runAt > at
      const failures = state === 'scheduled' ? 1 : 0
      const next = later ? rowState.scheduled : rowState.ready
      sql.again.run(next, attempt, startedAt, failures, runAt, error, progress, suspect, seq)
      totals.move(from, later ? 'scheduled' : 'queued')
      if (later) this.#ledger.news.push({ type: 'due', at: runAt })
      else this.#ledger.ready(seq)
      return
    }
    const { keep, bytes } = settled
    if ((flags & flag.grouped) !== 0) this.#ledger.turnOver(seq)
    const expiresAt = keep === defaults.keepResult ? null : at + keep
    const over = state === 'succeeded' ? done.well : done.badly
    const place = totals.nextEnded()
    const { result } = settled
    sql.end.run(rowState[state], over, attempt, startedAt, at, place, expiresAt, result, error, progress, seq)
    this.#ledger.ended({ seq, state, flags, bytes, at }, from)
  }

  #cancel(cursor: Cursor): TaskRecord {
    return this.#cancelNow(cursor.next(), cursor.next())
  }

  #cancelById(cursor: Cursor): CancelResult | Refusal {
    const [id, at] = [cursor.next<string>(), cursor.next<number>()]
    const row = this.#find(id)
    if (row === undefined) return notFound(id)
    if (row.running !== null) return { inFlight: row.id }
    if (row.state >= rowState.succeeded) {
      const { state } = this.#ledger.record(row.seq)
      return conflict(`Task ${id} cannot be cancelled: it has ended, ${state}`)
    }
    return { record: this.#cancelNow(row.seq, at) }
  }

  #cancelNow(seq: number, at: number): TaskRecord {
    const { name } = this.#ledger.record(seq)
    this.#now = at
    const record = this.#ledger.cancel(
      seq,
      at,
      new AfterworkError('AFTERWORK_CANCELLED', `${name} was cancelled before it ran`),
    )
    this.#ledger.advance(at)
    return record
  }

  #retry(cursor: Cursor): TaskRecord | Refusal {
    const id = cursor.next<string>()
    const { sql, totals } = this.#ledger
    const row = this.#find(id)
    if (row === undefined) return notFound(id)
    const { state } = this.#ledger.record(row.seq)
    if (state !== 'failed' && state !== 'cancelled')
      return conflict(`Task ${id} cannot be retried: it is ${state}, not failed or cancelled`)
    if (row.key !== null && sql.living.get(row.name, row.key) !== undefined)
      return conflict(`Task ${id} cannot be retried: another one has its unique key`)
    sql.retry.run(row.seq)
    totals.move(state, 'queued')
    totals.add('bytes', row.bytes)
    this.#ledger.ready(row.seq)
    return this.#ledger.record(row.seq)
  }

  /** When the next is due, or null. */
  #due(cursor: Cursor): number | null {
    const { sql, totals, news } = this.#ledger
    const rows = sql.due.all(cursor.next<number>(), cursor.next<number>()) as unknown as WaitingRow[]
    for (const row of rows) {
      sql.setState.run(rowState.ready, row.seq)
      totals.move('scheduled', 'queued')
      news.push({ type: 'ready', row })
    }
    return (sql.nextDue.get() as unknown as { at: number | null }).at
  }

  #refill(cursor: Cursor): RefillResult {
    const [pool, name, rank, seq] = [
      cursor.next<string>(),
      cursor.next<string>(),
      cursor.next<number>(),
      cursor.next<number>(),
    ]
    const [limit, most] = [cursor.next<number>(), cursor.next<number>()]
    const fields: unknown[] = []
    let [rows, bytes] = [0, 0]
    for (const row of this.#refillRows.iterate(pool, name, rank, seq, limit) as Iterable<unknown>) {
      const values = row as unknown[]
      for (const value of values) fields.push(value)
      rows++
      bytes += values[bytesColumn] as number
      if (bytes >= most) return { fields, more: true }
    }
    return { fields, more: rows === limit }
  }

  /** One that others have become aliases of meanwhile is theirs: it stays, and is held no more. */
  #discard(id: string): void {
    const { sql, totals } = this.#ledger
    const row = sql.byId.get(id) as unknown as FoundRow | undefined
    if (row === undefined) {
      const alias = sql.aliasById.get(id) as unknown as { seq: number; grp: string; done: number } | undefined
      if (alias === undefined) return
      sql.removeAlias.run(alias.seq)
      if (alias.done === done.no) totals.add('turns', -1)
      return this.#ledger.changed(alias.grp)
    }
    if (row.running !== null || row.state >= rowState.succeeded) return
    if (this.#ledger.hasAliases(row.seq)) return this.#ledger.release(id)
    if ((row.flags & flag.grouped) !== 0 && row.done === done.no) totals.add('turns', -1)
    totals.add(row.state === rowState.scheduled ? 'scheduled' : 'queued', -1)
    totals.add('bytes', -row.bytes)
    this.#forgetting.remove(row.seq, row.files)
    this.#ledger.changed(row.grp ?? row.id)
  }

  #find(id: string): FoundRow | undefined {
    const { sql } = this.#ledger
    const row = sql.byId.get(id) as unknown as FoundRow | undefined
    if (row !== undefined) return row
    const alias = sql.aliasById.get(id) as unknown as { target: number | null } | undefined
    if (alias === undefined || alias.target === null) return undefined
    const { id: target } = sql.idOf.get(alias.target) as unknown as { id: string }
    return sql.byId.get(target) as unknown as FoundRow
  }
}

interface FoundRow {
  seq: number
  id: string
  grp: string | null
  name: string
  state: number
  done: number
  key: string | null
  bytes: number
  flags: number
  files: string | null
  running: number | null
}

const noRows: readonly NewRow[] = []

function readRows(cursor: Cursor): readonly NewRow[] {
  const count = cursor.next<number>()
  if (count === 0) return noRows
  return Array.from({ length: count }, () => readRow(cursor))
}

function noReceipt(): undefined {}

function readReceipt(cursor: Cursor): Receipt | undefined {
  const key = cursor.next<string | null>()
  const [fingerprint, answer, expiresAt] = [
    cursor.next<string>(),
    cursor.next<string>(),
    cursor.next<number>(),
  ]
  return key === null ? undefined : { key, fingerprint, answer, expiresAt }
}

function texts(cursor: Cursor): string[] {
  return Array.from({ length: cursor.next<number>() }, () => cursor.next<string>())
}
