import type { TransactionClient } from '../../core/client.ts'
import { AfterworkError } from '../../core/errors.ts'
import type { NewTask } from '../../core/task.ts'
import type { AddOptions, QueueBounds } from '../queue.ts'
import { Asking } from './asking.ts'
import type { Changes, News } from './changes.ts'
import { textsOf, type Claimable, type Ready } from './claimable.ts'
import { Coalescer } from './coalescer.ts'
import type { Database, Statement } from './database.ts'
import type { LaneBook } from './lanes.ts'
import type { Member } from './member.ts'
import { isSimple, type NewRow } from './row.ts'
import type { Statements } from './sql.ts'
import { Undoing } from './undoing.ts'
import { addWithin } from './within.ts'

/** A task whose response has not closed. */
interface Held extends Ready {
  /** Its release may mean more than a ticket: a group, a key or a time. */
  involved: boolean
}

/** A task that waits for nothing but its response, as it is added. */
interface Item {
  row: NewRow
  held: boolean
}

/** A task that is held no more; what is not known of it, was released before. */
interface Released {
  id: string
  held: Held | undefined
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
  readonly #adds = new Coalescer<Item, undefined>((items) => this.#addSimple(items))
  readonly #asking: Asking
  /** What waits for the database to answer, and how many bytes of arguments that is. */
  readonly #unanswered = { tasks: 0, bytes: 0 }
  readonly #releases = new Coalescer<Released, undefined>((released) => this.#releaseSimple(released), 5_000)

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
    this.#asking = new Asking(member, new Undoing(sql, changes, persist))
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
    const simple: Released[] = []
    const involved: Released[] = []
    for (const id of ids) {
      const held = this.#held.get(id)
      this.#held.delete(id)
      const released = { id, held }
      if (held?.involved === true) involved.push(released)
      else simple.push(released)
    }
    const done: Promise<unknown>[] = simple.map((released) => this.#releases.ask(released))
    if (involved.length > 0) done.push(this.#releaseInvolved(involved))
    await Promise.all(done)
  }

  /** Resolves when everything that was asked so far is done. */
  async idle(): Promise<void> {
    await Promise.all([this.#adds.idle(), this.#releases.idle()])
    await this.#asking.stop()
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
      else if (simple) this.#claimable.announce(rows)
      else this.#claimable.say(rows)
    } catch (error) {
      this.#asking.failed(error, { ids: rows.map(({ id }) => id), receipt })
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

  async #addSimple(items: Item[]): Promise<(undefined | Error)[]> {
    const answers = new Map<Item, Error>()
    for (const held of [true, false]) {
      const some = items.filter((item) => item.held === held)
      if (some.length === 0 || (await this.#addRows(some, held, answers))) continue
      // There is no room for all of them.
      for (const item of some) await this.#addRows([item], held, answers)
    }
    return items.map((item) => answers.get(item))
  }

  /** Gives whether it is known what became of each of them; of those that are not stored it answers why. */
  async #addRows(items: readonly Item[], held: boolean, answers: Map<Item, Error>): Promise<boolean> {
    const { maxTasks, maxBytes } = this.#bounds
    const rows = items.map(({ row }) => row)
    const json = JSON.stringify(rows)
    const run = async (statement: Statement, ...values: unknown[]): Promise<string | null> => {
      const [answer] = await this.#database.run<{ refused: string | null }>(statement, values)
      return answer!.refused
    }
    try {
      const { refused, doubt } = await this.#asking.ask((until) => {
        const bounds = [this.#member.process, until, maxTasks, maxBytes]
        return held
          ? run(this.#sql.addSimple, json, held, ...bounds)
          : run(this.#sql.addAndTell, json, ...bounds, textsOf(rows))
      })
      if (refused === null) return true
      if (items.length > 1 && !doubt) return false
      const error = this.#full(refused)
      if (doubt) this.#asking.doubt(error)
      for (const item of items) answers.set(item, error)
    } catch (error) {
      for (const item of items) answers.set(item, error as Error)
    }
    return true
  }

  async #addInvolved(rows: readonly NewRow[], { held, unbounded, receipt }: AddOptions): Promise<void> {
    const { maxTasks, maxBytes } = this.#bounds
    const kept = receipt && {
      ...receipt,
      expiresAt: Math.ceil(receipt.expiresAt + this.#member.shift),
    }
    const json = JSON.stringify(rows)
    const last = [
      unbounded === true ? null : maxTasks,
      maxBytes,
      kept === undefined ? null : JSON.stringify(kept),
    ]
    const { refused, doubt } = await this.#asking.ask((until) => {
      const values = [json, held, this.#member.process, until, ...last]
      return this.#changes.make(async (run) => {
        const [row] = await run<{ result: string | null; news: News }>(this.#sql.add, values)
        return { news: row!.news, value: row!.result }
      })
    })
    if (refused === null) return
    const error = refused === 'receipt' ? another() : this.#full(refused)
    if (doubt) this.#asking.doubt(error)
    throw error
  }

  #full(refused: string): AfterworkError {
    const [, live, bytes] = refused.split(':')
    const { maxTasks, maxBytes } = this.#bounds
    const message = `The queue is full: it holds ${live} of ${maxTasks} tasks and ${bytes} of ${maxBytes} bytes; try again later`
    return new AfterworkError('AFTERWORK_QUEUE_FULL', message)
  }

  async #releaseSimple(released: readonly Released[]): Promise<undefined[]> {
    const ready = knownOf(released)
    const ids = released.map(({ id }) => id)
    await this.#persist('releasing tasks', async () => {
      const values = [ids, textsOf(ready)]
      const [row] = await this.#database.run<{ news: News }>(this.#sql.releaseAndTell, values)
      const { news } = row!
      if (news.length > 0) await this.#changes.make(async () => ({ news, value: undefined }))
    })
    this.#claimable.announce(ready)
    return []
  }

  async #releaseInvolved(released: readonly Released[]): Promise<void> {
    const ids = released.map(({ id }) => id)
    await this.#persist('releasing tasks', () => this.#changes.run('release', [ids]))
    this.#claimable.say(knownOf(released))
  }
}

function knownOf(released: readonly Released[]): Held[] {
  return released.flatMap(({ held }) => held ?? [])
}

function another(): AfterworkError {
  const message = 'Another request with this Idempotency-Key was stored first'
  return new AfterworkError('AFTERWORK_CONFLICT', message)
}

function notStored(cause: unknown): AfterworkError {
  return new AfterworkError('AFTERWORK_QUEUE_FAILED', 'The tasks could not be stored; try again later', {
    cause,
  })
}
