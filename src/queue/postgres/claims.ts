import { localPool } from '../../core/pool.ts'
import type { ClaimedTask } from '../../core/task.ts'
import { fill, type Room } from '../lanes.ts'
import type { TaskLimits } from '../limits.ts'
import type { MaybePromise } from '../queue.ts'
import { isStale, type Attempts } from './attempts.ts'
import type { Database } from './database.ts'
import type { LaneBook } from './lanes.ts'
import type { Member } from './member.ts'
import { entryOf, type ClaimedRow, type Entry } from './row.ts'
import type { Statements } from './sql.ts'

/** A claim that follows the one before it within so many milliseconds is one of many. */
const soon = 3
/** After so many of those, more is claimed than there are slots. */
const many = 4
/** So many tasks of a pool are claimed ahead of slots at most, for so many milliseconds. */
const ahead = { most: 512, time: 500 }
/** How long it takes to ask again for a name that another process claims of just now, in milliseconds. */
const busyWait = 5

/** What is told of a pool from which more can be claimed now, and of a claimed task that is to be cancelled. */
interface Hooks {
  announce(pool: string): void
  cancel(id: string): void
}

/** Tasks of a pool that were claimed ahead of its slots, and how much of that is worth while. */
interface Stock {
  entries: Entry[]
  refilling: Promise<void> | undefined
  /** How many claims in a row filled all slots, one soon after the other. */
  row: number
  /** When the last one was answered, on the clock of performance.now(), if it filled all slots. */
  filledAt: number
  /** How many were handed out since the last claim was asked for. */
  handed: number
  target: number
  timer: NodeJS.Timeout | undefined
}

/**
 * Whose turn it is, the database knows. Where small tasks follow one another faster than it answers, it is asked for more
 * than there are slots, as many as twice what starts until the next answer: for so long a process may hold on to what
 * another could run.
 */
export class Claims {
  readonly #database: Database
  readonly #sql: Statements
  readonly #lanes: LaneBook
  readonly #member: Member
  readonly #attempts: Attempts
  readonly #limits: TaskLimits
  readonly #hooks: Hooks
  readonly #stocks = new Map<string, Stock>()
  readonly #openings = new Map<string, NodeJS.Timeout>()
  /** Once somebody asks for suspects, nobody else is given any. */
  #suspectsAreAskedFor = false

  constructor(
    database: Database,
    sql: Statements,
    lanes: LaneBook,
    member: Member,
    attempts: Attempts,
    limits: TaskLimits,
    hooks: Hooks,
  ) {
    this.#database = database
    this.#sql = sql
    this.#lanes = lanes
    this.#member = member
    this.#attempts = attempts
    this.#limits = limits
    this.#hooks = hooks
  }

  get suspectsAreAskedFor(): boolean {
    return this.#suspectsAreAskedFor
  }

  claim(pool: string, slots: number): MaybePromise<ClaimedTask[]> {
    if (slots <= 0) return []
    const stock = this.#stock(pool)
    const taken = this.#take(pool, stock, slots)
    if (taken.length > 0) {
      // It may be less than there was room for, and not all there is.
      if (stock.entries.length === 0 && stock.refilling === undefined) this.#hooks.announce(pool)
      return taken
    }
    return stock.refilling === undefined ? this.#claim(pool, stock, slots) : this.#wait(pool, stock, slots)
  }

  async claimSuspect(pools: readonly string[]): Promise<ClaimedTask | undefined> {
    this.#suspectsAreAskedFor = true
    const queues = pools.flatMap((pool) => this.#queuesOf(pool))
    if (queues.length === 0) return undefined
    const { process, files } = this.#member
    const asked = performance.now()
    const [found] = await this.#database.run<{ rows: ClaimedRow[] | null }>(this.#sql.claimSuspect, [
      process,
      queues,
      files,
    ])
    const rows = found!.rows ?? []
    const [entry] = this.#enter(rows, asked)
    if (entry === undefined && rows.length > 0) return await this.claimSuspect(pools)
    return entry && { ...entry.task }
  }

  /** A task of this priority can be claimed: nothing less urgent is kept ahead of it. */
  heard(pool: string, priority: number): void {
    const { entries } = this.#stock(pool)
    if (entries.some(({ task }) => task.options.priority < priority)) this.giveBack(pool)
  }

  /** What was claimed ahead of slots goes back. */
  giveBack(pool: string): void {
    const stock = this.#stock(pool)
    stock.row = 0
    stock.target = 0
    clearTimeout(stock.timer)
    const entries = stock.entries.splice(0).filter(({ claimed }) => claimed)
    // What cannot be given back runs out.
    this.#attempts.giveBack(entries).catch(() => {})
  }

  clear(): void {
    for (const timer of this.#openings.values()) clearTimeout(timer)
    for (const { timer } of this.#stocks.values()) clearTimeout(timer)
  }

  #stock(pool: string): Stock {
    let stock = this.#stocks.get(pool)
    if (stock === undefined) {
      stock = {
        entries: [],
        refilling: undefined,
        row: 0,
        filledAt: -Infinity,
        handed: 0,
        target: 0,
        timer: undefined,
      }
      this.#stocks.set(pool, stock)
    }
    return stock
  }

  /** Takes of what was claimed ahead. */
  #take(pool: string, stock: Stock, slots: number): ClaimedTask[] {
    const { entries } = stock
    if (entries.length === 0) return []
    let place = 0
    const room: Room = { free: slots, shared: 0 }
    const taken = fill(
      room,
      () => {
        while (place < entries.length && !entries[place]!.claimed) place++
        return entries[place]
      },
      () => place++,
    )
    entries.splice(0, place)
    if (taken[0] !== undefined && isStale(taken[0])) {
      void this.#attempts.giveBack(taken).catch(() => {})
      return []
    }
    stock.handed += taken.length
    if (entries.length <= stock.target / 2) this.#refill(pool, stock)
    return taken.map(({ task }) => ({ ...task }))
  }

  async #wait(pool: string, stock: Stock, slots: number): Promise<ClaimedTask[]> {
    await stock.refilling
    return await this.claim(pool, slots)
  }

  #refill(pool: string, stock: Stock): void {
    if (stock.refilling !== undefined || stock.target === 0) return
    stock.handed = 0
    stock.refilling = this.#ask(pool, stock.target)
      .then((entries) => {
        stock.refilling = undefined
        stock.target = Math.min(ahead.most, Math.max(2 * stock.handed, stock.target >> 1))
        if (entries.length === 0 || entries.some(({ limited }) => limited)) stock.target = 0
        this.#keep(pool, stock, entries)
        if (entries.length > 0) this.#hooks.announce(pool)
      })
      .catch(() => {
        // Whoever claims next hears of it.
        stock.refilling = undefined
        stock.target = 0
      })
  }

  /** What is not wanted after all goes back. */
  #keep(pool: string, stock: Stock, entries: readonly Entry[]): void {
    if (entries.length === 0) return
    stock.entries.push(...entries)
    clearTimeout(stock.timer)
    stock.timer = setTimeout(() => this.giveBack(pool), ahead.time)
  }

  async #claim(pool: string, stock: Stock, slots: number): Promise<ClaimedTask[]> {
    stock.row = performance.now() - stock.filledAt < soon ? stock.row + 1 : 0
    const more = stock.row >= many ? Math.max(stock.target, 2 * slots) : 0
    const entries = await this.#ask(pool, slots + more)
    const room: Room = { free: slots, shared: 0 }
    let place = 0
    const taken = fill(
      room,
      () => entries[place],
      () => place++,
    )
    this.#keep(pool, stock, entries.slice(place))
    stock.target = entries.length > place ? Math.max(more, stock.target) : 0
    stock.filledAt = room.free === 0 && !taken.some(({ limited }) => limited) ? performance.now() : -Infinity
    return taken.map(({ task }) => ({ ...task }))
  }

  async #ask(pool: string, slots: number): Promise<Entry[]> {
    const queues = this.#queuesOf(pool)
    if (queues.length === 0) return []
    const { process, files } = this.#member
    const values = [process, queues, slots, JSON.stringify(this.#limits), files, !this.#suspectsAreAskedFor]
    const asked = performance.now()
    const statement = pool === localPool ? this.#sql.claimLocal : this.#sql.claim
    const [claimed] = await this.#database.run<{
      rows: ClaimedRow[] | null
      opens_in: number | null
      busy: boolean
    }>(statement, values)
    const { rows, busy, opens_in: opensIn } = claimed!
    if (busy) this.#opens(pool, busyWait)
    else if (opensIn !== null) this.#opens(pool, Math.max(Math.ceil(opensIn), 1))
    return this.#enter(rows ?? [], asked)
  }

  /** A limit lets another task of the pool start in so many milliseconds. */
  #opens(pool: string, wait: number): void {
    clearTimeout(this.#openings.get(pool))
    const timer = setTimeout(() => this.#hooks.announce(pool), Math.min(wait, 60_000))
    this.#openings.set(pool, timer)
  }

  /** `asked` is when, on the clock of performance.now(): nobody knows how long the answer took. */
  #enter(rows: readonly ClaimedRow[], asked: number): Entry[] {
    const entries = rows.map((row) => entryOf(row, this.#limits[row.name] !== undefined, asked))
    this.#attempts.enter(entries)
    // Somebody asked for that before, when another process had claimed it.
    for (const { id, cancel } of rows) if (cancel) this.#hooks.cancel(id)
    return entries.filter(({ claimed }) => claimed)
  }

  #queuesOf(pool: string): string[] {
    return this.#lanes.queuesOf(pool, this.#member.known?.names)
  }
}
