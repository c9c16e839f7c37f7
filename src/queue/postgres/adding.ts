import type { TransactionClient } from '../../core/client.ts'
import { AfterworkError } from '../../core/errors.ts'
import type { Receipt } from '../../core/receipt.ts'
import type { NewTask } from '../../core/task.ts'
import type { AddOptions, QueueBounds } from '../queue.ts'
import type { Changes, News } from './changes.ts'
import type { Claimable } from './claimable.ts'
import { Coalescer } from './coalescer.ts'
import { isUnknown, isUnsent, type Database } from './database.ts'
import type { LaneBook } from './lanes.ts'
import type { Member } from './member.ts'
import { isSimple, type NewRow } from './row.ts'
import type { Statements } from './sql.ts'
import { addWithin } from './within.ts'

/** A task whose response has not closed. */
interface Held {
  pool: string
  priority: number
  /** Its release may mean more than a ticket: a group, a key or a time. */
  involved: boolean
}

/** How tasks come in: those that wait for nothing but their responses together, the others a request at a time. */
export class Adding {
  readonly #database: Database
  readonly #sql: Statements
  readonly #lanes: LaneBook
  readonly #member: Member
  readonly #changes: Changes
  readonly #bounds: QueueBounds
  readonly #claimable: Claimable
  readonly #persist: <T>(during: string, work: () => Promise<T>) => Promise<T>
  readonly #held = new Map<string, Held>()
  /** Of the queue, once it was asked for. */
  #identity: string | undefined
  readonly #adds = new Coalescer<{ row: NewRow; held: boolean }, undefined>((items) => this.#addSimple(items))
  /** What waits for the database to answer, and how many bytes of arguments that is. */
  readonly #unanswered = { tasks: 0, bytes: 0 }
  readonly #undos = new Coalescer<string, undefined>((ids) => this.discard(ids).then(() => []))
  readonly #releases = new Coalescer<string, undefined>((ids) => this.#releaseSimple(ids), 5_000)

  /** `persist` tries again until it is done. */
  constructor(
    database: Database,
    sql: Statements,
    lanes: LaneBook,
    member: Member,
    changes: Changes,
    bounds: QueueBounds,
    claimable: Claimable,
    persist: <T>(during: string, work: () => Promise<T>) => Promise<T>,
  ) {
    this.#database = database
    this.#sql = sql
    this.#lanes = lanes
    this.#member = member
    this.#changes = changes
    this.#bounds = bounds
    this.#claimable = claimable
    this.#persist = persist
  }

  /** All or none. */
  add(tasks: readonly NewTask[], options: AddOptions): Promise<void> {
    if (this.#lanes.has(tasks)) return this.#add(tasks, options)
    return this.#lanes.make(tasks).then(
      () => this.#add(tasks, options),
      (error: unknown) => Promise.reject(notStored(error)),
    )
  }

  /** Within a transaction of the caller's own. */
  async addWithin(task: NewTask, client: TransactionClient): Promise<void> {
    // Not within it: a lane that is new would be locked for others until it ends.
    const identity = await this.#prepare(task).catch((error: unknown) => Promise.reject(notStored(error)))
    const [row] = this.#changes.rowsOf([task])
    const refused = await addWithin(client, this.#sql, identity, row!, this.#bounds)
    if (refused !== null) throw this.#full(refused)
  }

  async discard(ids: readonly string[], receiptKey?: string): Promise<void> {
    for (const id of ids) this.#held.delete(id)
    await this.#persist('removing tasks that were stored too late', () =>
      this.#changes.run('discard', [ids, receiptKey ?? null]),
    )
  }

  async release(ids: readonly string[]): Promise<void> {
    const held = ids.map((id) => this.#held.get(id))
    const involved = ids.filter((_, at) => held[at]?.involved === true)
    const simple = ids.filter((_, at) => held[at]?.involved !== true)
    for (const id of ids) this.#held.delete(id)
    const done: Promise<unknown>[] = simple.map((id) => this.#releases.ask(id))
    if (involved.length > 0)
      done.push(this.#persist('releasing tasks', () => this.#changes.run('release', [involved])))
    await Promise.all(done)
    this.#claimable.say(held.filter((one) => one !== undefined))
  }

  /** Resolves when everything that was asked so far is done. */
  async idle(): Promise<void> {
    await Promise.all([this.#adds.idle(), this.#releases.idle(), this.#undos.idle()])
  }

  async #prepare(task: NewTask): Promise<string> {
    if (!this.#lanes.has([task])) await this.#lanes.make([task])
    this.#identity ??= (await this.#database.run<{ id: string }>(this.#sql.identity, []))[0]!.id
    return this.#identity
  }

  async #add(tasks: readonly NewTask[], { held, unbounded = false, receipt }: AddOptions): Promise<void> {
    const rows = this.#changes.rowsOf(tasks)
    const [row] = rows
    const simple = receipt === undefined && rows.length === 1 && !unbounded && isSimple(row!)
    const bytes = rows.reduce((sum, { bytes: its }) => sum + its, 0)
    if (!unbounded) this.#checkRoom(rows.length, bytes)
    this.#unanswered.tasks += rows.length
    this.#unanswered.bytes += bytes
    try {
      if (simple) await this.#adds.ask({ row: row!, held })
      else await this.#addInvolved(rows, { held, unbounded, receipt })
      if (held) this.#hold(rows, !simple)
      else this.#claimable.say(rows)
    } catch (error) {
      // It may have been stored, of which nobody will be told.
      if (isUnknown(error) && !isUnsent(error)) this.#undo(rows, receipt)
      throw error instanceof AfterworkError ? error : notStored(error)
    } finally {
      this.#unanswered.tasks -= rows.length
      this.#unanswered.bytes -= bytes
    }
  }

  #hold(rows: readonly NewRow[], involved: boolean): void {
    for (const { id, pool, priority } of rows) this.#held.set(id, { pool, priority, involved })
  }

  /** What a database that does not answer is to store waits in memory. */
  #checkRoom(more: number, moreBytes: number): void {
    const { tasks, bytes } = this.#unanswered
    const { maxTasks, maxBytes } = this.#bounds
    // One that is too large by itself is refused where all is known.
    if (tasks === 0 || (tasks + more <= maxTasks && bytes + moreBytes <= maxBytes)) return
    throw this.#full(`full:${tasks}:${bytes}`)
  }

  #undo(rows: readonly NewRow[], receipt: Receipt | undefined): void {
    const ids = rows.map(({ id }) => id)
    // It goes on until the database is back, or this process stops.
    if (receipt !== undefined) this.discard(ids, receipt.key).catch(() => {})
    else for (const id of ids) this.#undos.ask(id).catch(() => {})
  }

  async #addSimple(items: { row: NewRow; held: boolean }[]): Promise<(undefined | AfterworkError)[]> {
    const answers: (undefined | AfterworkError)[] = []
    for (const held of [true, false]) {
      const some = items.filter((item) => item.held === held)
      if (some.length === 0 || (await this.#addRows(some, held)) === null) continue
      // There is no room for all of them.
      for (const item of some) {
        const refused = await this.#addRows([item], held)
        if (refused !== null) answers[items.indexOf(item)] = this.#full(refused)
      }
    }
    return answers
  }

  async #addRows(items: readonly { row: NewRow }[], held: boolean): Promise<string | null> {
    const { maxTasks, maxBytes } = this.#bounds
    const rows = JSON.stringify(items.map(({ row }) => row))
    const values = [rows, held, this.#member.process, maxTasks, maxBytes]
    const [answer] = await again(() =>
      this.#database.run<{ refused: string | null }>(this.#sql.addSimple, values),
    )
    return answer!.refused
  }

  async #addInvolved(rows: readonly NewRow[], { held, unbounded, receipt }: AddOptions): Promise<void> {
    const { maxTasks, maxBytes } = this.#bounds
    const kept = receipt && {
      ...receipt,
      expiresAt: Math.ceil(receipt.expiresAt + this.#member.shift),
    }
    const values = [
      JSON.stringify(rows),
      held,
      this.#member.process,
      unbounded === true ? null : maxTasks,
      maxBytes,
      kept === undefined ? null : JSON.stringify(kept),
    ]
    const result = await again(() =>
      this.#changes.make(async (run) => {
        const [row] = await run<{ result: string | null; news: News }>(this.#sql.add, values)
        return { news: row!.news, value: row!.result }
      }),
    )
    if (result === 'receipt')
      throw new AfterworkError(
        'AFTERWORK_CONFLICT',
        'Another request with this Idempotency-Key was stored first',
      )
    if (result !== null) throw this.#full(result)
  }

  #full(refused: string): AfterworkError {
    const [, live, bytes] = refused.split(':')
    const { maxTasks, maxBytes } = this.#bounds
    const message = `The queue is full: it holds ${live} of ${maxTasks} tasks and ${bytes} of ${maxBytes} bytes; try again later`
    return new AfterworkError('AFTERWORK_QUEUE_FULL', message)
  }

  async #releaseSimple(ids: string[]): Promise<undefined[]> {
    await this.#persist('releasing tasks', async () => {
      const [row] = await this.#database.run<{ news: News }>(this.#sql.release, [ids])
      const { news } = row!
      if (news.length > 0) await this.#changes.make(async () => ({ news, value: undefined }))
    })
    return []
  }
}

/** Once more where the connection was lost: asking twice is the same as asking once. */
async function again<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (first) {
    if (!isUnknown(first)) throw first
    try {
      return await ask()
    } catch (second) {
      // What is not known of the first is not known of both.
      throw isUnsent(second) ? first : second
    }
  }
}

function notStored(cause: unknown): AfterworkError {
  return new AfterworkError('AFTERWORK_QUEUE_FAILED', 'The tasks could not be stored; try again later', {
    cause,
  })
}
