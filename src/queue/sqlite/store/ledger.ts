import type { DatabaseSync } from 'node:sqlite'
import { AfterworkError } from '../../../core/errors.ts'
import { toFailure } from '../../../core/failure.ts'
import { onEndedTask } from '../../../core/on-ended.ts'
import { defaults } from '../../../core/options.ts'
import type { StoredFile } from '../../../core/stored-file.ts'
import type { TaskRecord, TaskState } from '../../../core/task.ts'
import { Cursor, type News } from '../message.ts'
import { parseOptions } from '../../stored-options.ts'
import { insertFields, toRecord, type RecordRow, type WaitingRow } from '../row.ts'
import { attemptState, done, flag, rowState, storeSql } from '../sql.ts'
import { prepareLazily, type Statements } from './statements.ts'
import { Totals } from './totals.ts'
import { Turns } from './turns.ts'

/** A row to insert, as a message brings it. */
export interface NewRow {
  id: string
  name: string
  grp: string | null
  pool: string
  rank: number
  flags: number
  args: string
  options: string | null
  files: string | null
  key: string | null
  bytes: number
  runAt: number | null
}

/** How a task ends. */
export interface Ending {
  seq: number
  state: 'succeeded' | 'failed' | 'cancelled'
  flags: number
  bytes: number
  at: number
}

/** The rows of tasks, and what follows when one changes; all of it within a transaction that somebody else holds. */
export class Ledger {
  readonly sql: Statements<typeof storeSql>
  readonly totals: Totals
  /** What came of itself in this transaction. */
  news: News[] = []
  readonly #turns = new Turns(this)
  /** The tasks of `onEnded` of which is told, as they are once all turns have come. */
  #added: { seq: number; told: { record: TaskRecord } }[] = []

  constructor(database: DatabaseSync) {
    this.sql = prepareLazily(database, storeSql)
    this.totals = new Totals(this.sql)
  }

  /** Adds a task, or the alias of a live one with its key; gives the seq. */
  insert(row: NewRow, held: boolean, now: number): number {
    const { sql, totals } = this
    const seq = totals.nextSeq()
    const group = row.grp ?? row.id
    if (row.key !== null) {
      const living = sql.living.get(row.name, row.key) as unknown as { seq: number } | undefined
      if (living !== undefined) {
        sql.insertAlias.run(seq, row.id, group, living.seq, held ? 1 : 0)
        totals.add('turns', 1)
        this.#turns.changed(group)
        return seq
      }
    }
    const simple = isSimpleRow(row)
    const state = simple ? rowState.ready : held ? rowState.held : rowState.blocked
    sql.insert.run(
      seq,
      row.id,
      row.name,
      row.grp,
      row.pool,
      row.rank,
      row.flags,
      state,
      row.args,
      row.options,
      row.files,
      row.key,
      row.bytes,
      now,
      row.runAt,
    )
    if (row.files !== null) for (const { id } of filesOf(row.files)) sql.insertFile.run(id, seq)
    if (row.grp !== null) totals.add('turns', 1)
    totals.add('queued', 1)
    totals.add('bytes', row.bytes)
    if (!simple && !held) this.#turns.changed(group)
    return seq
  }

  /** Adds a task that no response holds, and tells of it once it can be claimed; gives the seq. */
  insertReady(row: NewRow, now: number): number {
    const seq = this.insert(row, false, now)
    if (isSimpleRow(row)) this.ready(seq)
    return seq
  }

  /** Lets a held task or alias go on; an id that is unknown or not held is passed over. */
  release(id: string): void {
    const { sql } = this
    const task = sql.byId.get(id) as unknown as { seq: number; state: number } | undefined
    if (task !== undefined) {
      if (task.state !== rowState.held) return
      sql.setState.run(rowState.blocked, task.seq)
      this.#turns.changed(this.#groupOf(task.seq))
      return
    }
    const alias = sql.aliasById.get(id) as unknown as { seq: number; grp: string; held: number } | undefined
    if (alias?.held !== 1) return
    sql.releaseAlias.run(alias.seq)
    this.#turns.changed(alias.grp)
  }

  /** A task's turn has come: it can be claimed now, or when it is due. */
  reach(seq: number, runAt: number | null, now: number): void {
    if (runAt !== null && runAt > now) {
      this.sql.setState.run(rowState.scheduled, seq)
      this.totals.move('queued', 'scheduled')
      this.news.push({ type: 'due', at: runAt })
    } else {
      this.sql.setState.run(rowState.ready, seq)
      this.ready(seq)
    }
  }

  /** Tells that a task can be claimed. */
  ready(seq: number): void {
    this.news.push({ type: 'ready', row: this.sql.waiting.get(seq) as unknown as WaitingRow })
  }

  /** Likewise, if it can. */
  tellAgain(seq: number): void {
    const row = this.sql.stateOf.get(seq) as unknown as { state: number } | undefined
    if (row?.state === rowState.ready) this.ready(seq)
  }

  /** What follows when a row says that its task has ended; `from` is the state that it counted in. */
  ended({ seq, state, flags, bytes, at }: Ending, from: TaskState): void {
    const { totals } = this
    totals.move(from, state)
    totals.add('bytes', -bytes)
    if (totals.turns > 0) {
      const { id, grp } = this.sql.ended.get(seq) as unknown as { id: string; grp: string | null }
      this.#turns.ended(seq, grp ?? id)
    }
    if ((flags & flag.onEnded) !== 0) this.#addOnEnded(seq, at)
  }

  /** The turn of a task in a group will be over; that of one that was retried by hand is already. */
  turnOver(seq: number): void {
    const row = this.sql.doneOf.get(seq) as unknown as { done: number }
    if (row.done === done.no) this.totals.add('turns', -1)
  }

  hasAliases(seq: number): boolean {
    return (this.sql.aliasesOf.get(seq) as unknown as { count: number }).count > 0
  }

  /** Takes away the attempt of a task; the state that it counted in, or undefined when it had none. */
  endAttempt(seq: number): 'running' | 'queued' | undefined {
    const row = this.sql.attempt.get(seq) as unknown as { running: number } | undefined
    if (row === undefined) return undefined
    this.sql.endAttempt.run(seq)
    return row.running === attemptState.armed ? 'queued' : 'running'
  }

  /** Ends a task that does not run; one that has ended stays as it is. */
  cancel(seq: number, at: number, error: AfterworkError): TaskRecord {
    const row = this.sql.ended.get(seq) as unknown as EndedRow
    if (row.state >= rowState.succeeded) return this.record(seq)
    const keep = parseOptions(row.options).keepResult
    const expiresAt = keep === defaults.keepResult ? null : at + keep
    if ((row.flags & flag.grouped) !== 0) this.turnOver(seq)
    const waited = row.state === rowState.scheduled ? 'scheduled' : 'queued'
    const from = this.endAttempt(seq) ?? waited
    this.sql.cancel.run(at, this.totals.nextEnded(), expiresAt, JSON.stringify(toFailure(error)), seq)
    this.ended({ seq, state: 'cancelled', flags: row.flags, bytes: row.bytes, at }, from)
    return this.record(seq)
  }

  cancelAfterFailure(seq: number, at: number): void {
    const { name } = this.record(seq)
    const error = new AfterworkError(
      'AFTERWORK_PREDECESSOR_FAILED',
      `${name} runs only if the earlier tasks of its request succeed, and one did not`,
    )
    const record = this.cancel(seq, at, error)
    this.news.push({ type: 'cancelled', record })
  }

  record(seq: number): TaskRecord {
    return toRecord(this.sql.record.get(seq) as unknown as RecordRow)
  }

  /** Gives every group whose turn has changed its next one. */
  advance(now: number): void {
    this.#turns.advance(now)
    for (const { seq, told } of this.#added.splice(0)) told.record = this.record(seq)
  }

  /** A group may have a turn that has come. */
  changed(group: string): void {
    this.#turns.changed(group)
  }

  /** The transaction was rolled back, to this mark of the totals or to its beginning. */
  rolledBack(mark?: ReturnType<Totals['mark']>, news = 0): void {
    this.#turns.forget()
    this.#added = []
    this.news.length = news
    if (mark === undefined) this.totals.rolledBack()
    else this.totals.restore(mark)
  }

  #addOnEnded(seq: number, at: number): void {
    const { files, options } = this.sql.ended.get(seq) as unknown as EndedRow
    const ended = { files: files === null ? [] : filesOf(files), options: parseOptions(options) }
    const task = onEndedTask(ended, this.record(seq))
    if (task === undefined) return
    const bytes = Buffer.byteLength(task.args)
    const row = readRow(new Cursor(insertFields(task, bytes, at)))
    const added = this.insertReady(row, at)
    // The alias of a live one is nothing new.
    if (this.sql.idOf.get(added) === undefined) return
    const told = { type: 'added' as const, record: this.record(added) }
    // In the order of arrival, though its own turn comes when all that was added with it is there.
    this.news.push(told)
    this.#added.push({ seq: added, told })
  }

  #groupOf(seq: number): string {
    const { id, grp } = this.sql.ended.get(seq) as unknown as { id: string; grp: string | null }
    return grp ?? id
  }
}

interface EndedRow {
  id: string
  state: number
  grp: string | null
  flags: number
  options: string | null
  files: string | null
  bytes: number
}

/** Whether nothing but its response can keep it from being claimed. */
export function isSimpleRow({ grp, key, runAt }: NewRow): boolean {
  return grp === null && key === null && runAt === null
}

/** Reads a row of a message. */
export function readRow(cursor: Cursor): NewRow {
  return {
    id: cursor.next(),
    name: cursor.next(),
    grp: cursor.next(),
    pool: cursor.next(),
    rank: cursor.next(),
    flags: cursor.next(),
    args: cursor.next(),
    options: cursor.next(),
    files: cursor.next(),
    key: cursor.next(),
    bytes: cursor.next(),
    runAt: cursor.next(),
  }
}

/** Reads one of a message that has neither group, files, key nor time. */
export function readSimpleRow(cursor: Cursor): NewRow {
  return {
    id: cursor.next(),
    name: cursor.next(),
    grp: null,
    pool: cursor.next(),
    rank: cursor.next(),
    flags: cursor.next(),
    args: cursor.next(),
    options: cursor.next(),
    files: null,
    key: null,
    bytes: cursor.next(),
    runAt: null,
  }
}

export function filesOf(text: string): StoredFile[] {
  return JSON.parse(text) as StoredFile[]
}
