import { resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Receipt } from '../../core/receipt.ts'
import type { ClaimedTask, NewTask, Progress, TaskRecord, TaskState } from '../../core/task.ts'
import { Announcer } from '../announcer.ts'
import { withLimits, type TaskLimits } from '../limits.ts'
import type {
  AddOptions,
  Engine,
  FileUse,
  ListFilter,
  MaybePromise,
  QueueBounds,
  Retention,
  Settlement,
  Subscriber,
} from '../queue.ts'
import { Candidates } from './candidates.ts'
import { Due } from '../due.ts'
import { Gate } from './gate.ts'
import { entriesOf, entryOfRow, entryOfTask, seqsOf, settleFields, toClaimed, type Entry } from './entry.ts'
import { StoreLink } from './link.ts'
import { ask, type CancelResult, type News, type RefillResult, type StoreData } from './message.ts'
import { ReaderLink } from './reader/link.ts'
import { SqliteRecords } from './records.ts'
import { addFields, isSimple } from './row.ts'
import { attemptState, flag } from './sql.ts'
import { threadFile } from './thread-file.ts'
import { Starts } from './starts.ts'
import type { WindowSize } from './window.ts'

/** Tasks that come due together are taken in so many at a time. */
const dueAtOnce = 500
/** How often what has been kept long enough is forgotten though no task ends, in milliseconds. */
const trimInterval = 600_000

const none: ReadonlySet<Entry> = new Set()

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
  readonly #limits: TaskLimits | undefined
  readonly #link: StoreLink
  readonly #reader: ReaderLink
  readonly #records: SqliteRecords
  /** Tasks that can be claimed, were, or run, and held ones that need nothing but their release. */
  readonly #entries = new Map<string, Entry>()
  readonly #announcer = new Announcer()
  readonly #candidates: Candidates
  readonly #gate = new Gate(() => this.#entries.size)
  readonly #paused = new Set<string>()
  readonly #subscribers: Subscriber[] = []
  readonly #errorListeners: ((error: Error, during: string) => void)[] = []
  readonly #due: Due
  #trimmer: NodeJS.Timeout | undefined
  readonly #starts: Starts
  /** Those that ran, or may have, when the process before this one crashed. */
  #suspects: Entry[] = []

  /** Opens nothing yet; see open(). */
  constructor(file: string, bounds: QueueBounds, retention: Retention, parts: SqliteParts = {}) {
    const path = resolve(file)
    const { limits, ...most } = bounds
    this.#limits = limits
    this.#clock = parts.clock ?? Date.now
    this.#due = new Due(this.#clock, (now) => this.#link.ask([ask.due, now, dueAtOnce]))
    const startStore = parts.startStore ?? ((data) => new Worker(threadFile('store'), { workerData: data }))
    const data = { file: path, ...most, keepTasks: retention.tasks }
    this.#link = new StoreLink((resumed) => startStore({ ...data, now: this.#clock(), resumed }), {
      collect: (lazy) => this.#collect(lazy),
      committed: (news) => {
        this.#candidates.tick()
        this.#hear(news)
      },
      resumed: ({ lanes, nextDue }) => {
        for (const { pool, name } of lanes) this.#candidates.begin(pool, name).catch(reported)
        if (nextDue !== null) this.#due.at(nextDue)
      },
      error: (error, during) => this.#errorListeners.forEach((listener) => listener(error, during)),
    })
    this.#starts = new Starts(this.#link)
    this.#reader = new ReaderLink(() => new Worker(threadFile('reader'), { workerData: { file: path } }))
    this.#records = new SqliteRecords(
      this.#link,
      this.#reader,
      this.#clock,
      (id) => this.#entries.get(id)?.progress ?? null,
    )
    const window = parts.window ?? { tasks: 1_024, bytes: 16 * 1024 ** 2 }
    this.#candidates = new Candidates((pool) => this.#announcer.announce(pool), window, {
      refill: ({ pool, name }, { rank, sequence }, limit, stored) =>
        this.#link.ask(
          [ask.refill, pool, name, rank, sequence, limit, window.bytes],
          (result: RefillResult) => stored({ entries: entriesOf(result), more: result.more }),
        ),
      enter: (entry) => {
        const known = this.#entries.has(entry.task.id)
        if (!known) this.#enter(entry)
        return !known
      },
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
    if (nextDue !== null) this.#due.at(nextDue)
    this.#trimmer = setInterval(() => this.#link.send({ fields: [ask.trim, this.#clock()] }), trimInterval)
    this.#trimmer.unref()
  }

  add(tasks: readonly NewTask[], options: AddOptions): Promise<void> {
    const { held, receipt } = options
    if (tasks.length === 0 && receipt === undefined) return Promise.resolve()
    const now = this.#clock()
    const sizes = tasks.map((task) => Buffer.byteLength(task.args))
    return this.#link.ask(
      addFields(tasks, sizes, now, options),
      (first: number) => {
        for (let i = 0; i < tasks.length; i++) {
          if (!isSimple(tasks[i]!)) continue
          const entry = this.#enter(entryOfTask(tasks[i]!, first + i, sizes[i]!, now, held))
          if (!held) this.#candidates.offer(entry)
        }
        return this.#gate.pass()
      },
      (unknown) => {
        // It may have been stored, of which nobody will be told.
        if (unknown) this.discard(ids(tasks), receipt?.key).catch(() => {})
      },
      'hasty',
    )
  }

  async discard(ids: readonly string[], receiptKey?: string): Promise<void> {
    const held = ids.map((id) => this.#entries.get(id)).filter((entry) => entry?.held === true) as Entry[]
    for (const entry of held) entry.leaving = true
    await this.#link.persist([ask.discard, this.#clock(), receiptKey ?? null, ids.length, ...ids], () => {
      for (const { task } of held) this.#entries.delete(task.id)
    })
  }

  async release(ids: readonly string[]): Promise<void> {
    const others = ids.filter((id) => {
      const entry = this.#entries.get(id)
      if (entry?.held !== true) return entry === undefined
      entry.held = false
      if (!entry.leaving) this.#candidates.offer(entry)
      return false
    })
    if (others.length > 0) await this.#link.persist([ask.release, this.#clock(), others.length, ...others])
  }

  claim(pool: string, slots: number): MaybePromise<ClaimedTask[]> {
    if (this.#paused.has(pool)) return []
    const entries = this.#candidates.take(pool, slots)
    return entries instanceof Promise ? entries.then(claimed) : claimed(entries)
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

  start(ids: readonly string[], at: number, alone = false): MaybePromise<readonly string[]> {
    const entries = this.#claimed(ids)
    const unarmed = alone ? entries : entries.filter(({ armed }) => armed !== 'yes')
    if (unarmed.length === 0) return this.#started(entries, at, none)
    const running = alone ? attemptState.alone : attemptState.running
    for (const { task } of unarmed) this.#noteRate(task, at)
    const stored = (): readonly string[] => this.#started(entries, at, new Set(unarmed))
    return this.#link.ask([ask.start, running, at, seqsOf(unarmed)], stored, undefined, 'hasty')
  }

  async giveBack(ids: readonly string[]): Promise<void> {
    for (const entry of this.#claimed(ids)) {
      entry.claimed = false
      this.#candidates.leave(entry, false)
      this.#candidates.offer(entry)
    }
  }

  record(
    id: string,
    attempt: number,
    settlement: Settlement,
    followUps: readonly NewTask[] = [],
  ): Promise<boolean> {
    const entry = this.#entries.get(id)
    if (entry?.running !== true || entry.attempt !== attempt || entry.settling) return Promise.resolve(false)
    entry.settling = true
    this.#starts.forget(entry)
    return this.#link.ask(
      settleFields(entry, settlement, followUps),
      () => {
        this.#entries.delete(id)
        this.#candidates.leave(entry, true)
        return true
      },
      () => (entry.settling = false),
      isWaitedFor(entry, settlement, followUps) ? undefined : 'lazy',
    )
  }

  progress(id: string, attempt: number, progress: Progress): void {
    const entry = this.#entries.get(id)
    if (entry?.running === true && entry.attempt === attempt && !entry.settling) entry.progress = progress
  }

  onClaimable(listener: (pool: string) => void): void {
    this.#announcer.listen(listener)
  }

  /** No other process works on these tasks. */
  onSuspect(): void {}

  onError(listener: (error: Error, during: string) => void): void {
    this.#errorListeners.push(listener)
  }

  get(id: string): Promise<TaskRecord | undefined> {
    return this.#records.get(id)
  }

  list(filter: ListFilter): Promise<TaskRecord[]> {
    return this.#records.list(filter)
  }

  counters(): Promise<Record<TaskState, number>> {
    return this.#records.counters()
  }

  file(id: string): Promise<FileUse | undefined> {
    return this.#records.file(id)
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
    if (entry?.leaving === false) return await this.#cancelWaiting(entry, at)
    const result = await this.#link.ask([ask.cancelById, id, at], (found: CancelResult) => {
      // It may have come into memory while this was on its way.
      const entry = 'record' in found ? this.#entries.get(found.record.id) : undefined
      if (entry !== undefined) this.#drop(entry)
      return found
    })
    return 'record' in result ? this.#tellCancelled(result.record) : await this.cancel(result.inFlight, at)
  }

  retry(id: string): Promise<TaskRecord> {
    return this.#link.ask([ask.retry, id])
  }

  oldest(): Promise<number | null> {
    return this.#records.oldest()
  }

  receipt(key: string): Promise<Pick<Receipt, 'fingerprint' | 'answer'> | undefined> {
    return this.#records.receipt(key)
  }

  purge(id: string): Promise<void> {
    return this.#link.ask([ask.purge, id])
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
    clearInterval(this.#trimmer)
    this.#due.stop()
    this.#candidates.clear()
    this.#link.send({ fields: [ask.unarm] })
    // The writer closes last, and so leaves one whole file and no log beside it.
    await this.#reader.close()
    await this.#link.close()
  }

  /** What goes along with the next transaction: starts that nobody waits for, and what may start during it. */
  #collect(lazy: boolean): void {
    if (lazy) this.#starts.send()
    const arming = this.#candidates.arm()
    if (arming.length === 0) return
    for (const entry of arming) entry.armed = 'asked'
    const settle = (armed: 'yes' | 'no') => () => arming.forEach((entry) => (entry.armed = armed))
    this.#link.send({
      fields: [ask.arm, seqsOf(arming)],
      stored: settle('yes'),
      lost: settle('no'),
      manner: 'hasty',
    })
  }

  /** They run from now on, but for those that were cancelled meanwhile; the store knows of those that `waited` for it. */
  #started(entries: readonly Entry[], at: number, waited: ReadonlySet<Entry>): readonly string[] {
    const started = entries.filter((entry) => entry.claimed)
    for (const entry of started) {
      entry.claimed = false
      entry.running = true
      entry.startedAt = at
      entry.progress = null
      entry.attempt++
      this.#candidates.started(entry.task.options.pool, 1)
      if (!waited.has(entry)) this.#starts.add(entry)
    }
    return started.map(({ task }) => task.id)
  }

  #noteRate({ name, options: { rateLimit } }: Entry['task'], at: number): void {
    if (rateLimit !== null) this.#link.send({ fields: [ask.rate, name, at, rateLimit.per], manner: 'hasty' })
  }

  #hear(news: readonly News[]): void {
    for (const item of news) {
      switch (item.type) {
        case 'ready':
          if (!this.#entries.has(item.row.id)) this.#candidates.offer(this.#enter(entryOfRow(item.row)))
          break
        case 'due':
          this.#due.at(item.at)
          break
        case 'cancelled':
          this.#tellCancelled(item.record)
          break
        case 'added':
          for (const subscriber of this.#subscribers) subscriber.added(item.record)
          break
        case 'lost':
          for (const subscriber of this.#subscribers) subscriber.lost?.(item.record)
      }
    }
  }

  #enter(entry: Entry): Entry {
    entry.task = withLimits(entry.task, this.#limits)
    this.#entries.set(entry.task.id, entry)
    return entry
  }

  /** It cannot be claimed or started from now on. */
  async #cancelWaiting(entry: Entry, at: number): Promise<TaskRecord> {
    entry.leaving = true
    this.#takeOut(entry)
    const record = await this.#link.ask(
      [ask.cancel, entry.sequence, at],
      (cancelled: TaskRecord) => {
        this.#entries.delete(entry.task.id)
        return cancelled
      },
      (unknown) => {
        entry.leaving = false
        // Where it cannot be known, the row says whether it still waits.
        if (unknown) this.#entries.delete(entry.task.id)
        else if (!entry.held) this.#candidates.offer(entry)
      },
    )
    return this.#tellCancelled(record)
  }

  /** A task that does not run is cancelled: nothing of it stays here. */
  #drop(entry: Entry): void {
    this.#entries.delete(entry.task.id)
    this.#takeOut(entry)
  }

  #takeOut(entry: Entry): void {
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
}

function claimed(entries: readonly Entry[]): ClaimedTask[] {
  for (const entry of entries) entry.claimed = true
  return entries.map(toClaimed)
}

/** Whether something may go on with an outcome: the next of a group, follow-ups, another attempt. */
function isWaitedFor({ flags }: Entry, { state }: Settlement, followUps: readonly NewTask[]): boolean {
  return state !== 'succeeded' || followUps.length > 0 || (flags & flag.grouped) !== 0
}

function ids(tasks: readonly NewTask[]): string[] {
  return tasks.map(({ id }) => id)
}

/** It was reported where it failed. */
function reported(): void {}
