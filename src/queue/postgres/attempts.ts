import { attemptError, type AttemptState } from '../../core/attempt.ts'
import { localPool } from '../../core/pool.ts'
import type { NewTask, Progress } from '../../core/task.ts'
import type { MaybePromise, Settlement } from '../queue.ts'
import type { Changes, News } from './changes.ts'
import { Coalescer } from './coalescer.ts'
import type { Database } from './database.ts'
import type { LaneBook } from './lanes.ts'
import type { Lease, Leases } from './leases.ts'
import type { Member } from './member.ts'
import type { Entry } from './row.ts'
import { flag, leaseSeconds, rowState } from './schema.ts'
import type { Statements } from './sql.ts'
import type { Watching } from './watching.ts'

/** How long the start of an attempt, and its progress, may stay unsaid, in milliseconds; and a start that failed. */
const patience = { start: 20, progress: 500, again: 1_000 }
/** A task that was claimed so many milliseconds ago may be another process's by now, and is not started. */
const staleClaim = (leaseSeconds * 1_000) / 2

const attemptState = {
  failed: 'failed',
  scheduled: 'retried',
  queued: 'interrupted',
  cancelled: 'cancelled',
} as const satisfies Record<Exclude<Settlement['state'], 'succeeded'>, AttemptState>

interface Settled {
  entry: Entry
  settlement: Settlement
}

/** The tasks that this process has claimed, or runs: their starts, their progress and how they end. */
export class Attempts {
  readonly #database: Database
  readonly #sql: Statements
  readonly #lanes: LaneBook
  readonly #leases: Leases
  readonly #member: Member
  readonly #changes: Changes
  readonly #watching: Watching
  readonly #entries = new Map<string, Entry>()
  readonly #unnoted = new Set<Entry>()
  readonly #unsaid = new Set<Entry>()
  readonly #settles = new Coalescer<Settled, boolean>((items) => this.#settleSimple(items), 500)
  #noting: Promise<void> = Promise.resolve()
  #noteTimer: NodeJS.Timeout | undefined
  #sayTimer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(
    database: Database,
    sql: Statements,
    lanes: LaneBook,
    leases: Leases,
    member: Member,
    changes: Changes,
    watching: Watching,
  ) {
    this.#database = database
    this.#sql = sql
    this.#lanes = lanes
    this.#leases = leases
    this.#member = member
    this.#changes = changes
    this.#watching = watching
  }

  get ids(): string[] {
    return [...this.#entries.keys()]
  }

  get leases(): Lease[] {
    return Array.from(this.#entries.values(), leaseOf)
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  /** They were claimed. */
  enter(entries: readonly Entry[]): void {
    for (const entry of entries) this.#entries.set(entry.task.id, entry)
    // A local function runs on this thread.
    const atOnce = entries.some(({ task }) => task.options.pool === localPool)
    this.#leases.keep(entries.map(leaseOf), atOnce)
  }

  /** It is this process's no more. */
  drop(entry: Entry): void {
    entry.claimed = false
    entry.running = false
    this.#unnoted.delete(entry)
    this.#unsaid.delete(entry)
    if (this.#entries.get(entry.task.id) !== entry) return
    this.#entries.delete(entry.task.id)
    this.#leases.drop(entry.task.id)
  }

  /** Those that are claimed and not started. */
  claimed(ids: readonly string[]): Entry[] {
    return ids.map((id) => this.#entries.get(id)).filter((entry) => entry?.claimed === true) as Entry[]
  }

  start(ids: readonly string[], at: number, alone: boolean): MaybePromise<readonly string[]> {
    const entries = this.claimed(ids)
    const fresh = entries.filter((entry) => !isStale(entry))
    // What cannot be given back runs out.
    if (fresh.length < entries.length) this.giveBack(entries.filter(isStale)).catch(() => {})
    const careful = fresh.filter((entry) => alone || (entry.flags & flag.atMostOnce) !== 0)
    return careful.length === 0 ? this.#started(fresh, at) : this.#startCarefully(fresh, careful, at, alone)
  }

  async giveBack(entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return
    for (const entry of entries) this.drop(entry)
    await this.#database.run(this.#sql.giveBack, [JSON.stringify(entries.map(leaseOf))])
  }

  async record(entry: Entry, settlement: Settlement, followUps: readonly NewTask[]): Promise<boolean> {
    entry.settling = true
    this.#unsaid.delete(entry)
    this.#unnoted.delete(entry)
    try {
      const recorded = await this.#record(entry, settlement, followUps)
      this.drop(entry)
      this.#watching.changed([entry.task.id])
      return recorded
    } catch (error) {
      entry.settling = false
      throw error
    }
  }

  progress(entry: Entry, progress: Progress): void {
    entry.progress = progress
    this.#unsaid.add(entry)
    if (!this.#stopped) this.#sayTimer ??= setTimeout(() => this.#say(), patience.progress)
  }

  /** Says of every attempt that goes on that it has begun. */
  note(): Promise<void> {
    clearTimeout(this.#noteTimer)
    this.#noteTimer = undefined
    if (this.#unnoted.size === 0) return this.#noting
    const entries = [...this.#unnoted]
    this.#unnoted.clear()
    const noting = this.#noteNow(entries, false, false).then(
      () => {},
      (error: unknown) => {
        for (const entry of entries) if (entry.running && !entry.settling) this.#unnoted.add(entry)
        this.#noteLater(patience.again)
        // Whoever asks from now on waits for the next one; all of these may have ended, and then there is none.
        if (this.#noting === noting) this.#noting = Promise.resolve()
        throw error
      },
    )
    noting.catch(() => {})
    this.#noting = noting
    return noting
  }

  /** Resolves when everything that was asked so far is done. */
  async idle(): Promise<void> {
    // What fails from now on is not tried again.
    this.#stopped = true
    clearTimeout(this.#noteTimer)
    clearTimeout(this.#sayTimer)
    await Promise.all([this.#settles.idle(), this.#noting.catch(() => {})])
  }

  #started(entries: readonly Entry[], at: number): readonly string[] {
    const started = entries.filter((entry) => entry.claimed)
    for (const entry of started) {
      begin(entry, at)
      this.#unnoted.add(entry)
    }
    if (this.#unnoted.size > 0) this.#noteLater(patience.start)
    return started.map(({ task }) => task.id)
  }

  /** Those whose start must be known before they run. */
  async #startCarefully(
    all: readonly Entry[],
    careful: readonly Entry[],
    at: number,
    alone: boolean,
  ): Promise<readonly string[]> {
    for (const entry of careful) entry.startedAt = at
    const noted = new Set(await this.#noteNow(careful, alone, true))
    for (const entry of careful) {
      // One may have been cancelled meanwhile.
      if (noted.has(entry.task.id) && entry.claimed) begin(entry, at)
      else this.drop(entry)
    }
    this.#started(all, at)
    return all.filter(({ running }) => running).map(({ task }) => task.id)
  }

  #noteLater(wait: number): void {
    if (this.#stopped) return
    this.#noteTimer ??= setTimeout(() => void this.note().catch(() => {}), wait)
  }

  async #noteNow(entries: readonly Entry[], alone: boolean, synced: boolean): Promise<string[]> {
    const rows = entries.map(({ task: { id, attempt }, queue, fence, startedAt }) => ({
      id,
      queue,
      fence,
      at: this.#member.there(startedAt),
      ...(attempt > 1 && { again: true }),
    }))
    const [row] = await this.#database.run<{ ids: string[] }>(this.#sql.note, [
      JSON.stringify(rows),
      alone,
      synced,
    ])
    this.#watching.changed(row!.ids)
    return row!.ids
  }

  async #record(entry: Entry, settlement: Settlement, followUps: readonly NewTask[]): Promise<boolean> {
    const plain = (entry.flags & (flag.grouped | flag.onEnded)) === 0 && entry.key === null && !entry.limited
    // One that is not recorded is another's, or somebody has added to its group.
    if (
      ends(settlement) &&
      plain &&
      followUps.length === 0 &&
      (await this.#settles.ask({ entry, settlement }))
    )
      return true
    return await this.#settle(entry, settlement, followUps)
  }

  async #settleSimple(items: Settled[]): Promise<boolean[]> {
    const rows = items.map(({ entry, settlement }) => ({
      ...this.#outcomeOf(entry, settlement),
      state: rowState[settlement.state as 'succeeded' | 'failed' | 'cancelled'],
    }))
    const [row] = await this.#database.run<{ ids: string[] }>(this.#sql.settleSimple, [JSON.stringify(rows)])
    const ended = new Set(row!.ids)
    return items.map(({ entry }) => ended.has(entry.task.id))
  }

  async #settle(entry: Entry, settlement: Settlement, followUps: readonly NewTask[]): Promise<boolean> {
    if (followUps.length > 0) await this.#lanes.make(followUps)
    const outcome = {
      ...this.#outcomeOf(entry, settlement),
      state: settlement.state,
      run_at: settlement.state === 'scheduled' ? Math.ceil(settlement.runAt + this.#member.shift) : null,
      suspect: settlement.state === 'queued' && settlement.suspect === true,
      limited: entry.limited,
      process: this.#member.process,
    }
    const rows = followUps.length === 0 ? null : JSON.stringify(this.#changes.rowsOf(followUps))
    return await this.#changes.make(async (run) => {
      const [row] = await run<{ recorded: boolean; news: News }>(this.#sql.settle, [
        JSON.stringify(outcome),
        rows,
      ])
      return { news: row!.news, value: row!.recorded }
    })
  }

  #outcomeOf(entry: Entry, settlement: Settlement) {
    const { task, queue, fence, startedAt, progress } = entry
    const well = settlement.state === 'succeeded'
    return {
      id: task.id,
      queue,
      fence,
      attempt: task.attempt,
      started_at: this.#member.there(startedAt),
      at: this.#member.there(settlement.at),
      result: well ? settlement.result : null,
      error: well ? null : JSON.stringify(settlement.failure),
      progress: well || progress === null ? null : JSON.stringify(progress),
      // What is remembered of the attempt.
      ...(!well && {
        process: this.#member.process,
        how: attemptState[settlement.state],
        reason: JSON.stringify(attemptError(settlement.failure)),
      }),
    }
  }

  #say(): void {
    this.#sayTimer = undefined
    const rows = Array.from(this.#unsaid, ({ task: { id }, queue, fence, progress }) => ({
      id,
      queue,
      fence,
      progress: JSON.stringify(progress),
    }))
    this.#unsaid.clear()
    // What is said next says it again.
    this.#database.run(this.#sql.progress, [JSON.stringify(rows)]).then(
      () => this.#watching.changed(rows.map(({ id }) => id)),
      () => {},
    )
  }
}

/** Whether it was claimed so long ago that it may be another process's. */
export function isStale({ since }: Entry): boolean {
  return performance.now() - since > staleClaim
}

/** Whether a task is over with this. */
export function ends({ state }: Settlement): boolean {
  return state !== 'scheduled' && state !== 'queued'
}

function leaseOf({ task: { id }, queue, fence }: Entry): Lease {
  return { id, queue, fence }
}

function begin(entry: Entry, at: number): void {
  entry.claimed = false
  entry.running = true
  entry.startedAt = at
  entry.progress = null
}
