import { resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ClaimedTask, NewTask, Progress, TaskRecord, TaskState } from '../../core/task.ts'
import { Alarm } from '../alarm.ts'
import { Announcer } from '../announcer.ts'
import type { Engine, FileUse, ListFilter, QueueBounds, Retention, Settlement, Subscriber } from '../queue.ts'
import { Candidates } from './candidates.ts'
import { entryOfRow, entryOfTask, toClaimed, type Entry } from './entry.ts'
import { StoreLink } from './link.ts'
import { ask, type CancelResult, type News, type StoreData } from './message.ts'
import { ReaderLink } from './reader/link.ts'
import { insertFields, isSimple } from './row.ts'
import { attemptState } from './sql.ts'
import { threadFile } from './thread-file.ts'
import type { WindowSize } from './window.ts'

/** Tasks that come due together are taken in so many at a time. */
const dueAtOnce = 500
/** How long it takes to ask for due tasks again when that failed, in milliseconds. */
const dueAgain = 1_000

/** What tests replace. */
export interface SqliteParts {
  /** Milliseconds since 1970. */
  clock?: () => number
  /** How much of each lane is kept in memory. Default 1,024 tasks and 16 MB. */
  window?: WindowSize
  startStore?: (data: StoreData) => Worker
}

/**
 * The `sqlite:` engine. A thread of its own writes the file; this side decides whose turn it is among the tasks that
 * are near it, and the rest is on disk only. What is added, started and ended is acknowledged once it is committed.
 */
export class SqliteQueue implements Engine {
  readonly #clock: () => number
  readonly #link: StoreLink
  readonly #reader: ReaderLink
  /** Tasks that can be claimed, were, or run, and held ones that need nothing but their release. */
  readonly #entries = new Map<string, Entry>()
  readonly #announcer = new Announcer()
  readonly #candidates: Candidates
  readonly #paused = new Set<string>()
  readonly #subscribers: Subscriber[] = []
  readonly #errorListeners: ((error: Error, during: string) => void)[] = []
  readonly #alarm: Alarm<null>
  #nextDue = Infinity
  /** Those that run, of which the store knows only that they may. */
  readonly #started = new Set<Entry>()
  /** Those that ran, or may have, when the process before this one crashed. */
  #suspects: Entry[] = []

  /** Opens nothing yet; see open(). */
  constructor(file: string, bounds: QueueBounds, retention: Retention, parts: SqliteParts = {}) {
    const path = resolve(file)
    this.#clock = parts.clock ?? Date.now
    this.#alarm = new Alarm<null>(() => void this.#takeDue(), this.#clock)
    const startStore = parts.startStore ?? ((data) => new Worker(threadFile('store'), { workerData: data }))
    const data = { file: path, ...bounds, keepTasks: retention.tasks }
    this.#link = new StoreLink((resumed) => startStore({ ...data, now: this.#clock(), resumed }), {
      collect: () => this.#collect(),
      committed: (news) => {
        this.#candidates.tick()
        this.#hear(news)
      },
      error: (error, during) => this.#errorListeners.forEach((listener) => listener(error, during)),
    })
    this.#reader = new ReaderLink(() => new Worker(threadFile('reader'), { workerData: { file: path } }))
    const window = parts.window ?? { tasks: 1_024, bytes: 16 * 1024 ** 2 }
    this.#candidates = new Candidates((pool) => this.#announcer.announce(pool), window, {
      refill: ({ pool, name }, { rank, sequence }, limit, stored) =>
        this.#link.ask([ask.refill, pool, name, rank, sequence, limit, window.bytes], stored),
      enter: (row) => (this.#entries.has(row.id) ? undefined : this.#enter(entryOfRow(row))),
      leave: (entry) => this.#entries.delete(entry.task.id),
    })
  }

  async open(): Promise<void> {
    const { suspects, lanes, paused, starts, nextDue, news } = await this.#link.open()
    for (const pool of paused) this.#paused.add(pool)
    for (const { name, at } of starts) this.#candidates.remember(name, this.#clock() - at)
    this.#suspects = suspects.map((row) => this.#enter({ ...entryOfRow(row), careful: true }))
    for (const entry of this.#suspects) this.#candidates.offer(entry)
    await Promise.all(lanes.map(({ pool, name }) => this.#candidates.begin(pool, name)))
    this.#hear(news)
    if (nextDue !== null) this.#dueAt(nextDue)
  }

  async add(
    tasks: readonly NewTask[],
    { held, unbounded = false }: { held: boolean; unbounded?: boolean },
  ): Promise<void> {
    if (tasks.length === 0) return
    const now = this.#clock()
    const fields: unknown[] = [ask.add, now, held, unbounded, tasks.length]
    const sizes = tasks.map((task) => Buffer.byteLength(task.args))
    for (const [index, task] of tasks.entries()) fields.push(...insertFields(task, sizes[index]!, now))
    await this.#link.ask<number>(
      fields,
      (first) => {
        for (const [index, task] of tasks.entries()) {
          if (!isSimple(task)) continue
          const entry = this.#enter(entryOfTask(task, first + index, sizes[index]!, now, held))
          if (!held) this.#candidates.offer(entry)
        }
      },
      (unknown) => {
        // It may have been stored, of which nobody will be told.
        if (unknown) this.discard(ids(tasks)).catch(() => {})
      },
    )
  }

  async discard(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const entry = this.#entries.get(id)
      if (entry?.held === true) this.#entries.delete(id)
    }
    await this.#link.persist([ask.discard, this.#clock(), ids.length, ...ids])
  }

  async release(ids: readonly string[]): Promise<void> {
    const others = ids.filter((id) => {
      const entry = this.#entries.get(id)
      if (entry?.held !== true) return entry === undefined
      entry.held = false
      this.#candidates.offer(entry)
      return false
    })
    if (others.length > 0) await this.#link.persist([ask.release, this.#clock(), others.length, ...others])
  }

  async claim(pool: string, slots: number): Promise<ClaimedTask[]> {
    if (this.#paused.has(pool)) return []
    const entries = await this.#candidates.take(pool, slots)
    for (const entry of entries) entry.claimed = true
    return entries.map(toClaimed)
  }

  async claimSuspect(pools: Iterable<string>): Promise<ClaimedTask | undefined> {
    const open = new Set(pools)
    // One that is claimed may be given back; one that ran has gone.
    this.#suspects = this.#suspects.filter((suspect) => this.#entries.get(suspect.task.id) === suspect)
    const entry = this.#suspects.find(({ waiting, task: { options } }) => {
      return waiting && open.has(options.pool) && !this.#paused.has(options.pool)
    })
    if (entry === undefined) return undefined
    this.#candidates.takeThis(entry)
    entry.claimed = true
    return toClaimed(entry)
  }

  async start(ids: readonly string[], at: number, alone = false): Promise<readonly string[]> {
    const entries = this.#claimed(ids)
    const unarmed = alone ? entries : entries.filter(({ armed }) => armed !== 'yes')
    if (unarmed.length > 0) {
      for (const entry of unarmed) entry.startAsked = true
      const running = alone ? attemptState.alone : attemptState.running
      for (const { task } of unarmed) this.#noteRate(task, at)
      try {
        await this.#link.ask([ask.start, running, at, seqsOf(unarmed)])
      } catch (error) {
        for (const entry of unarmed) entry.startAsked = false
        throw error
      }
    }
    // Some may have been cancelled meanwhile.
    const started = entries.filter(({ claimed }) => claimed)
    for (const entry of started) {
      Object.assign(entry, { claimed: false, running: true, startedAt: at, progress: null })
      entry.attempt++
      this.#candidates.started(entry.task.options.pool, 1)
      if (!entry.startAsked) this.#started.add(entry)
    }
    if (this.#started.size > 0) this.#link.schedule()
    return started.map(({ task }) => task.id)
  }

  async giveBack(ids: readonly string[]): Promise<void> {
    for (const entry of this.#claimed(ids)) {
      entry.claimed = false
      this.#candidates.leave(entry, false)
      this.#candidates.offer(entry)
    }
  }

  async record(
    id: string,
    attempt: number,
    settlement: Settlement,
    followUps: readonly NewTask[] = [],
  ): Promise<boolean> {
    const entry = this.#entries.get(id)
    if (entry?.running !== true || entry.attempt !== attempt || entry.settling) return false
    entry.settling = true
    this.#started.delete(entry)
    const fields = settleFields(entry, settlement)
    fields.push(followUps.length)
    for (const task of followUps)
      fields.push(...insertFields(task, Buffer.byteLength(task.args), settlement.at))
    try {
      await this.#link.ask(fields, () => {
        this.#entries.delete(id)
        this.#candidates.leave(entry, true)
      })
    } catch (error) {
      entry.settling = false
      throw error
    }
    return true
  }

  progress(id: string, attempt: number, progress: Progress): void {
    const entry = this.#entries.get(id)
    if (entry?.running === true && entry.attempt === attempt && !entry.settling) entry.progress = progress
  }

  onClaimable(listener: (pool: string) => void): void {
    this.#announcer.listen(listener)
  }

  onError(listener: (error: Error, during: string) => void): void {
    this.#errorListeners.push(listener)
  }

  async get(id: string): Promise<TaskRecord | undefined> {
    await this.#link.settled()
    const record = await this.#reader.ask<TaskRecord | undefined>({ ask: 'get', id })
    return record && this.#withProgress(record)
  }

  async list({ state, name, cursor, limit }: ListFilter): Promise<TaskRecord[]> {
    await this.#link.settled()
    const filter = {
      ...(state !== undefined && { state }),
      ...(name !== undefined && { name }),
      ...(cursor !== undefined && { cursor }),
    }
    const records = await this.#reader.ask<TaskRecord[]>({ ask: 'list', ...filter, limit })
    return records.map((record) => this.#withProgress(record))
  }

  async counters(): Promise<Record<TaskState, number>> {
    await this.#link.settled()
    const [queued, scheduled, running, succeeded, failed, cancelled] = this.#link.totals as number[]
    return { queued, scheduled, running, succeeded, failed, cancelled } as Record<TaskState, number>
  }

  async file(id: string): Promise<FileUse | undefined> {
    await this.#link.settled()
    return await this.#reader.ask({ ask: 'file', id })
  }

  async cancel(id: string, at: number): Promise<TaskRecord> {
    const entry = this.#entries.get(id)
    if (entry?.running === true) {
      // As it is before it is asked to stop, which may end it at once.
      const record = (await this.get(id))!
      if (entry.running && !entry.settling)
        for (const subscriber of this.#subscribers) subscriber.cancel(id, entry.attempt)
      return record
    }
    if (entry !== undefined) {
      this.#drop(entry)
      return this.#tellCancelled(await this.#link.ask<TaskRecord>([ask.cancel, entry.sequence, at]))
    }
    const result = await this.#link.ask<CancelResult>([ask.cancelById, id, at], (found) => {
      // It may have come into memory while this was on its way.
      if ('record' in found) this.#drop(this.#entries.get(found.record.id))
    })
    return 'record' in result ? this.#tellCancelled(result.record) : await this.cancel(result.inFlight, at)
  }

  retry(id: string): Promise<TaskRecord> {
    return this.#link.ask([ask.retry, id])
  }

  async pause(pool: string): Promise<void> {
    this.#paused.add(pool)
    await this.#link.ask([ask.pause, pool, true])
  }

  async resume(pool: string): Promise<void> {
    if (!this.#paused.delete(pool)) return
    this.#announcer.announce(pool)
    await this.#link.ask([ask.pause, pool, false])
  }

  paused(): ReadonlySet<string> {
    return this.#paused
  }

  subscribe(subscriber: Subscriber): void {
    this.#subscribers.push(subscriber)
  }

  async close(): Promise<void> {
    this.#alarm.clear()
    this.#candidates.clear()
    this.#link.send({ fields: [ask.unarm] })
    await this.#link.close()
    await this.#reader.close()
  }

  /** What goes along with the next transaction: starts that nobody waits for, and what may start during it. */
  #collect(): void {
    if (this.#started.size > 0) this.#noteStarts()
    const arming = this.#candidates.arm()
    if (arming.length === 0) return
    for (const entry of arming) entry.armed = 'asked'
    const settle = (armed: 'yes' | 'no') => () => arming.forEach((entry) => (entry.armed = armed))
    this.#link.send({ fields: [ask.arm, seqsOf(arming)], stored: settle('yes'), lost: settle('no') })
  }

  #noteRate({ name, options: { rateLimit } }: Entry['task'], at: number): void {
    if (rateLimit !== null) this.#link.send({ fields: [ask.rate, name, at, rateLimit.per] })
  }

  #noteStarts(): void {
    const byTime = Map.groupBy(this.#started, ({ startedAt }) => startedAt)
    this.#started.clear()
    for (const [at, entries] of byTime) {
      for (const entry of entries) entry.startAsked = true
      const lost = (): void => {
        for (const entry of entries) {
          entry.startAsked = false
          if (entry.running && !entry.settling) this.#started.add(entry)
        }
      }
      this.#link.send({ fields: [ask.start, attemptState.running, at, seqsOf(entries)], lost })
    }
  }

  #hear(news: readonly News[]): void {
    for (const item of news) {
      switch (item.type) {
        case 'ready':
          if (!this.#entries.has(item.row.id)) this.#candidates.offer(this.#enter(entryOfRow(item.row)))
          break
        case 'due':
          this.#dueAt(item.at)
          break
        case 'cancelled':
          this.#tellCancelled(item.record)
          break
        case 'added':
          for (const subscriber of this.#subscribers) subscriber.added(item.record)
      }
    }
  }

  #enter(entry: Entry): Entry {
    this.#entries.set(entry.task.id, entry)
    return entry
  }

  /** A task that does not run is cancelled: nothing of it stays here. */
  #drop(entry: Entry | undefined): void {
    if (entry === undefined) return
    this.#entries.delete(entry.task.id)
    this.#candidates.remove(entry)
    if (entry.claimed) this.#candidates.leave(entry, false)
    entry.claimed = false
  }

  #tellCancelled(record: TaskRecord): TaskRecord {
    for (const subscriber of this.#subscribers) subscriber.cancelled(record)
    return record
  }

  #claimed(ids: readonly string[]): Entry[] {
    return ids.map((id) => this.#entries.get(id)).filter((entry) => entry?.claimed === true) as Entry[]
  }

  #dueAt(at: number): void {
    if (at >= this.#nextDue) return
    this.#nextDue = at
    this.#alarm.set(null, at)
  }

  async #takeDue(): Promise<void> {
    this.#nextDue = Infinity
    try {
      const next = await this.#link.ask<number | null>([ask.due, this.#clock(), dueAtOnce])
      if (next !== null) this.#dueAt(next)
    } catch {
      // It was reported where it failed.
      this.#dueAt(this.#clock() + dueAgain)
    }
  }

  #withProgress(record: TaskRecord): TaskRecord {
    const entry = record.state === 'running' ? this.#entries.get(record.id) : undefined
    return entry === undefined ? record : { ...record, progress: entry.progress }
  }
}

function ids(tasks: readonly NewTask[]): string[] {
  return tasks.map(({ id }) => id)
}

function seqsOf(entries: readonly Entry[]): string {
  return JSON.stringify(entries.map(({ sequence }) => sequence))
}

/** What the store is told of an attempt that has ended. */
function settleFields(entry: Entry, settlement: Settlement): unknown[] {
  const { sequence, attempt, startedAt, progress, flags, bytes, task } = entry
  const { state, at } = settlement
  return [
    ask.settle,
    sequence,
    state,
    attempt,
    startedAt,
    at,
    state === 'succeeded' ? settlement.result : null,
    state === 'succeeded' ? null : JSON.stringify(settlement.failure),
    // Success is complete.
    state === 'succeeded' || progress === null ? null : JSON.stringify(progress),
    state === 'scheduled' ? Math.ceil(settlement.runAt) : null,
    state === 'queued' && settlement.suspect === true ? 1 : 0,
    flags,
    bytes,
    task.options.keepResult,
  ]
}
