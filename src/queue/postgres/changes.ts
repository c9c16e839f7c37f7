import { onEndedTask } from '../../core/on-ended.ts'
import type { StoredFile } from '../../core/stored-file.ts'
import type { NewTask, TaskRecord } from '../../core/task.ts'
import type { Subscriber } from '../queue.ts'
import type { Claimable } from './claimable.ts'
import type { Database, Run } from './database.ts'
import type { LaneBook } from './lanes.ts'
import type { Member } from './member.ts'
import { newRow, optionsOf, toRecord, type NewRow, type RecordRow } from './row.ts'
import type { Statements } from './sql.ts'
import type { Watching } from './watching.ts'

/**
 * What came of a change in the database: `c:ID` was cancelled, `l:ID` has ended with its process, `e:ID` has ended and has an
 * `onEnded`.
 */
export type News = readonly string[]

/** What is told once it is committed. */
interface Told {
  lost: TaskRecord[]
  cancelled: string[]
  added: NewRow[]
}

/** Transactions with all that follows from them, of which is told once they are committed. */
export class Changes {
  readonly #database: Database
  readonly #sql: Statements
  readonly #lanes: LaneBook
  readonly #member: Member
  readonly #subscribers: readonly Subscriber[]
  readonly #watching: Watching
  readonly #claimable: Claimable

  constructor(
    database: Database,
    sql: Statements,
    lanes: LaneBook,
    member: Member,
    subscribers: readonly Subscriber[],
    watching: Watching,
    claimable: Claimable,
  ) {
    this.#database = database
    this.#sql = sql
    this.#lanes = lanes
    this.#member = member
    this.#subscribers = subscribers
    this.#watching = watching
    this.#claimable = claimable
  }

  /** `work` may be done again from the beginning, so it must have no other effects. */
  async make<T>(work: (run: Run) => Promise<{ news: News; value: T }>): Promise<T> {
    let told: Told = { lost: [], cancelled: [], added: [] }
    const value = await this.#database.transaction(async (run) => {
      told = { lost: [], cancelled: [], added: [] }
      const changed = await work(run)
      await this.#follow(run, changed.news, told)
      return changed.value
    })
    this.#tellLost(told.lost)
    if (told.cancelled.length + told.added.length > 0) await this.#tell(told)
    return value
  }

  /** One statement that gives nothing but news. */
  async run(statement: keyof Statements, values: readonly unknown[]): Promise<void> {
    await this.make(async (run) => {
      const [row] = await run<{ news: News }>(this.#sql[statement], values)
      return { news: row!.news, value: undefined }
    })
  }

  /** Tasks as they are added together; their lanes must be there. */
  rowsOf(tasks: readonly NewTask[]): NewRow[] {
    const groups = new Set<string>()
    const several = new Set<string>()
    for (const { group } of tasks) (groups.has(group) ? several : groups).add(group)
    return tasks.map((task) =>
      newRow(task, this.#lanes.queueOf(task), several.has(task.group), this.#member.shift),
    )
  }

  /** Adds the `onEnded` tasks of those that have ended, and of those that end with it. */
  async #follow(run: Run, news: News, told: Told): Promise<void> {
    const waiting = [...news]
    // It grows while it is gone through.
    for (const item of waiting) {
      const id = item.slice(2)
      if (item.startsWith('c:')) {
        told.cancelled.push(id)
        continue
      }
      const [row] = await run<RecordRow>(this.#sql.get, [id])
      if (row === undefined) continue
      if (item.startsWith('l:')) {
        told.lost.push(toRecord(row))
        continue
      }
      const files = row.files === null ? [] : (JSON.parse(row.files) as StoredFile[])
      const task = onEndedTask({ files, options: optionsOf(row) }, toRecord(row))
      if (task === undefined) continue
      await this.#lanes.make([task])
      const rows = this.rowsOf([task])
      const values = [JSON.stringify(rows), false, this.#member.process, null, null, null, null]
      const [added] = await run<{ news: News }>(this.#sql.add, values)
      waiting.push(...added!.news)
      told.added.push(...rows)
    }
  }

  #tellLost(lost: readonly TaskRecord[]): void {
    this.#watching.changed(lost.map(({ id }) => id))
    for (const subscriber of this.#subscribers) for (const record of lost) subscriber.lost?.(record)
  }

  async #tell({ cancelled, added: rowsAdded }: Told): Promise<void> {
    this.#watching.changed(cancelled)
    this.#claimable.say(rowsAdded)
    const added = rowsAdded.map(({ id }) => id)
    const rows = await this.#database.run<RecordRow>(this.#sql.records, [[...cancelled, ...added]])
    const records = new Map(rows.map((row) => [row.id, toRecord(row)]))
    for (const subscriber of this.#subscribers) {
      for (const id of cancelled) if (records.has(id)) subscriber.cancelled(records.get(id)!)
      for (const id of added) if (records.has(id)) subscriber.added(records.get(id)!)
    }
  }
}
