import { defaults } from '../../core/options.ts'
import { Due } from '../due.ts'
import type { Attempts } from './attempts.ts'
import type { Changes } from './changes.ts'
import { Coalescer } from './coalescer.ts'
import type { Database } from './database.ts'
import type { LaneBook } from './lanes.ts'
import type { Member } from './member.ts'
import type { PoolRow } from './pools.ts'
import { leaseSeconds } from './schema.ts'
import type { Statements } from './sql.ts'

/** How often it is looked at, in milliseconds, in case that news got lost. */
const interval = 1_000
/** Names that nobody knows are looked for every so many looks. */
const unknownEvery = 30
/** How many ended tasks more than ended are forgotten at a time. */
const extra = 16
/** Tasks that come due together are taken in so many at a time. */
const dueAtOnce = 500
/**
 * Whoever did not see the database for `gap` may have been away with all others: it calls nobody dead before it has seen it
 * for `grace` again, in which they say that they are alive. In milliseconds.
 */
const away = { gap: (leaseSeconds - 4) * 1_000, grace: (leaseSeconds * 1_000) / 2 }
/** A process that gave no sign of life for so many seconds is dead. */
export const deadAfter = leaseSeconds + 2

/** What a look sees. */
interface Seen {
  now: number
  cancels: string[]
  lost: boolean
  dead: boolean
  lanes: number
  pools: PoolRow[]
  ended: number
  /** In how many milliseconds the next task comes due. */
  due: number | null
}

/** What the engine is told of. */
interface Hooks {
  announce(pool: string): void
  /** A task that runs here is to be cancelled. */
  cancel(id: string): void
  /** Tickets of a process that has died wait for somebody. */
  suspects(): void
  pools(rows: readonly PoolRow[]): void
  /** Tickets of processes that give no sign of life are to be taken away. */
  supervise(): Promise<void>
  /** Nobody knows tasks of this name, and some wait. */
  unknown(name: string): void
  failed(error: unknown, during: string): void
  worked(): void
}

/** What all processes share: heard of by NOTIFY, looked at in case that it was not heard, and kept tidy. */
export class Shared {
  readonly #database: Database
  readonly #sql: Statements
  readonly #lanes: LaneBook
  readonly #member: Member
  readonly #attempts: Attempts
  readonly #changes: Changes
  readonly #keep: number
  readonly #hooks: Hooks
  readonly #due: Due
  readonly #unknown = new Set<string>()
  readonly #forgets = new Coalescer<number, undefined>((counts) => this.#leave(counts))
  /** How many ended tasks there were at the last look, and how many have ended here by then, and by now. */
  #kept = 0
  #endedThen = 0
  #endedHere = 0
  #looks = 0
  /** When it saw the database last, and since when again and again, by the clock of the database. */
  #seenAt = NaN
  #seenSince = -Infinity
  #supervising = false
  /** Counts what was set for pools here, and what is being set: an older look must not undo it. */
  #poolChanges = 0
  #changingPools = 0
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()
  /** A look has yet to begin: it will see whatever happens until then. */
  #waits = false
  #stopped = false

  /** `keep` is how many ended tasks are remembered. */
  constructor(
    database: Database,
    sql: Statements,
    lanes: LaneBook,
    member: Member,
    attempts: Attempts,
    changes: Changes,
    keep: number,
    hooks: Hooks,
  ) {
    this.#database = database
    this.#sql = sql
    this.#lanes = lanes
    this.#member = member
    this.#attempts = attempts
    this.#changes = changes
    this.#keep = keep
    this.#hooks = hooks
    this.#due = new Due(member.clock, () => this.#takeDue())
  }

  /** Looks at once, and from now on again and again; `back` when the server has only just come back. */
  async start(back: boolean): Promise<void> {
    if (back) this.#seenAt = -Infinity
    // After one that news have asked for already, which is to be over, with all that it tells, when the queue is open.
    const first = this.#looking.then(() => this.#look())
    this.#looking = first.catch(() => {})
    await first
    this.#later()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#due.stop()
    await this.#looking
  }

  /** Looks soon, at what news may have got lost. */
  look(): void {
    if (this.#stopped || this.#waits) return
    this.#waits = true
    this.#looking = this.#looking
      .then(() => {
        this.#waits = false
        return this.#look()
      })
      .then(
        () => this.#hooks.worked(),
        (error: unknown) => this.#hooks.failed(error, 'looking at what other processes did'),
      )
  }

  /** A task comes due at this time of the database. */
  dueAt(time: number): void {
    this.#due.at(this.#member.here(time))
  }

  /** So many tasks have ended: as many leave. */
  async ended(count: number): Promise<void> {
    this.#endedHere += count
    if (this.#kept + this.#endedHere - this.#endedThen > this.#keep) await this.#forgets.ask(count)
  }

  /** Changes what all processes know of a pool; gives the sizes that are set by then, as JSON. */
  async setPool(statement: 'pause' | 'resize', values: readonly unknown[]): Promise<string> {
    this.#poolChanges++
    this.#changingPools++
    try {
      const [row] = await this.#database.run<{ sizes: string | null }>(this.#sql[statement], values)
      return row!.sizes ?? '{}'
    } finally {
      this.#changingPools--
    }
  }

  /** Charges attempts that ended with their processes. */
  takeLost(): Promise<void> {
    return this.#changes.run('lost', [])
  }

  #later(): void {
    if (this.#stopped) return
    // Not all processes at the same time.
    const wait = interval * (0.75 + Math.random() / 2)
    this.#timer = setTimeout(() => {
      this.look()
      this.#later()
    }, wait)
  }

  async #look(): Promise<void> {
    if (this.#stopped) return
    const [asked, endedHere] = [this.#member.clock(), this.#endedHere]
    const poolChanges = this.#changingPools > 0 ? NaN : this.#poolChanges
    const [seen] = await this.#database.run<Seen>(this.#sql.look, [this.#attempts.ids, deadAfter])
    const { now, cancels, lost, dead, lanes, pools, ended, due } = seen!
    this.#member.compare(now, asked)
    for (const id of cancels) this.#hooks.cancel(id)
    if (poolChanges === this.#poolChanges) this.#hooks.pools(pools)
    this.#kept = ended
    this.#endedThen = endedHere
    if (lanes !== this.#lanes.size) await this.#lanes.refresh()
    if (this.#mayJudge(now)) {
      if (dead) await this.#bury()
      this.#supervise()
    }
    if (lost) await this.#tellLost()
    const next = due === 0 ? await this.#takeDue() : due === null ? null : this.#member.clock() + due
    if (next !== null) this.#due.at(next)
    await this.#tidy()
    for (const pool of this.#member.known?.pools ?? this.#lanes.pools()) this.#hooks.announce(pool)
  }

  #mayJudge(now: number): boolean {
    if (now - this.#seenAt > away.gap) this.#seenSince = now
    this.#seenAt = now
    return now - this.#seenSince >= away.grace
  }

  /** It may take longer than the next look can wait. */
  #supervise(): void {
    if (this.#supervising) return
    this.#supervising = true
    this.#hooks
      .supervise()
      .catch((error: unknown) => this.#hooks.failed(error, 'looking after the tickets'))
      .finally(() => (this.#supervising = false))
  }

  async #bury(): Promise<void> {
    await this.#changes.run('bury', [deadAfter])
    await this.#lanes.refresh()
  }

  async #tellLost(): Promise<void> {
    await this.takeLost()
    this.#hooks.suspects()
    for (const pool of this.#lanes.pools()) this.#hooks.announce(pool)
  }

  async #tidy(): Promise<void> {
    await this.#database.run(this.#sql.tidy, [this.#keep, defaults.keepResult, extra])
    await this.#lanes.tidy()
    if (this.#looks++ % unknownEvery > 0) return
    await this.#database.run(this.#sql.forgetReceipts, [])
    await this.#findUnknown()
  }

  async #leave(counts: readonly number[]): Promise<undefined[]> {
    await this.#forget(counts.reduce((sum, count) => sum + count, extra))
    return []
  }

  async #forget(most: number): Promise<void> {
    await this.#database.run(this.#sql.forget, [this.#keep, defaults.keepResult, most])
  }

  /** Each name is told of once, until a process has come that knows it. */
  async #findUnknown(): Promise<void> {
    if (this.#member.known === undefined) return
    const rows = await this.#database.run<{ name: string }>(this.#sql.unknown, [])
    const names = new Set(rows.map(({ name }) => name))
    for (const name of this.#unknown) if (!names.has(name)) this.#unknown.delete(name)
    for (const name of names) {
      if (this.#unknown.has(name)) continue
      this.#unknown.add(name)
      this.#hooks.unknown(name)
    }
  }

  async #takeDue(): Promise<number | null> {
    const [row] = await this.#database.run<{ wait: number | null }>(this.#sql.due, [dueAtOnce])
    const { wait } = row!
    return wait === null ? null : this.#member.clock() + wait
  }
}
