import type { AttemptRecord } from '../../core/attempt.ts'
import { isId } from '../../core/id.ts'
import type { Receipt } from '../../core/receipt.ts'
import type { StoredFile } from '../../core/stored-file.ts'
import type { TaskRecord, TaskState } from '../../core/task.ts'
import type { FileUse, ListFilter, Records } from '../queue.ts'
import type { Database, Run } from './database.ts'
import { toAttempt, toRecord, type AttemptRow, type RecordRow } from './row.ts'
import { rowState } from './schema.ts'
import { listText, type Names, type Statements } from './sql.ts'

/** What can be asked of the tasks. */
export class PostgresRecords implements Records {
  readonly #database: Database
  readonly #sql: Statements
  readonly #names: Names
  readonly #settled: () => Promise<void>
  readonly #now: () => number

  /** `settled` resolves once what this process has said can be seen; `now` is the database's clock. */
  constructor(
    database: Database,
    sql: Statements,
    names: Names,
    settled: () => Promise<void>,
    now: () => number,
  ) {
    this.#database = database
    this.#sql = sql
    this.#names = names
    this.#settled = settled
    this.#now = now
  }

  async get(id: string): Promise<TaskRecord | undefined> {
    await this.#settled()
    return await this.read(this.#database.run, id)
  }

  /** Likewise, as a transaction sees it. */
  async read(run: Run, id: string): Promise<TaskRecord | undefined> {
    if (!isId(id)) return undefined
    const [row] = await run<RecordRow>(this.#sql.get, [id])
    const found = row ?? (await run<RecordRow>(this.#sql.aliased, [id]))[0]
    return found && toRecord(found)
  }

  async list({ state, name, cursor, limit }: ListFilter): Promise<TaskRecord[]> {
    await this.#settled()
    if (cursor !== undefined && !isId(cursor)) return []
    const statement = listText(this.#names, state, name !== undefined, cursor !== undefined)
    const values = [name, cursor].filter((value) => value !== undefined)
    return (await this.#database.run<RecordRow>(statement, [...values, limit])).map(toRecord)
  }

  async counters(): Promise<Record<TaskState, number>> {
    await this.#settled()
    const [sums] = await this.#database.run<Record<TaskState, number>>(this.#sql.counters, [])
    return { ...sums! }
  }

  async file(id: string): Promise<FileUse | undefined> {
    await this.#settled()
    const rows = await this.#database.run<{ files: string; state: number; ended_at: number | null }>(
      this.#sql.file,
      [id],
    )
    const [first] = rows
    if (first === undefined) return undefined
    const file = (JSON.parse(first.files) as StoredFile[]).find((stored) => stored.id === id)!
    const inUse = rows.some(({ state }) => state < rowState.succeeded || state === rowState.failed)
    const ends = rows.map(({ ended_at }) => ended_at)
    return { file, inUse, endedAt: ends.includes(null) ? null : Math.max(...(ends as number[])) }
  }

  async oldest(): Promise<number | null> {
    await this.#settled()
    const [row] = await this.#database.run<{ at: number | null }>(this.#sql.oldest, [])
    const { at } = row!
    return at === null ? null : Math.floor(at)
  }

  async attempts(id: string): Promise<AttemptRecord[]> {
    if (!isId(id)) return []
    return (await this.#database.run<AttemptRow>(this.#sql.attempts, [id])).map(toAttempt)
  }

  async receipt(key: string): Promise<Pick<Receipt, 'fingerprint' | 'answer'> | undefined> {
    const [row] = await this.#database.run<Pick<Receipt, 'fingerprint' | 'answer'>>(this.#sql.receipt, [
      key,
      Math.floor(this.#now()),
    ])
    return row
  }
}
