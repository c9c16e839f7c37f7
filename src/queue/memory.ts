import { systemClock, type Clock } from '../core/clock.ts'
import { AfterworkError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { onEndedTask } from '../core/on-ended.ts'
import type { Receipt } from '../core/receipt.ts'
import {
  hasEnded,
  type ClaimedTask,
  type NewTask,
  type Progress,
  type TaskRecord,
  type TaskState,
} from '../core/task.ts'
import { Alarm } from './alarm.ts'
import { Announcer } from './announcer.ts'
import { Archive } from './archive.ts'
import type { Entry } from './entry.ts'
import { Groups } from './groups.ts'
import { fill, Lanes } from './lanes.ts'
import { withLimits } from './limits.ts'
import { Receipts } from './receipts.ts'
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
} from './queue.ts'

/** The `memory:` engine: fast, bounded, and gone with the process. */
export class MemoryQueue implements Engine {
  readonly #bounds: QueueBounds
  readonly #now: () => number
  readonly #inserted: (task: NewTask, at: number) => void
  readonly #entries = new Map<string, Entry>()
  readonly #unique = new Map<string, Entry>()
  readonly #paused = new Set<string>()
  readonly #groups = new Groups({
    offer: (entry) => this.#offer(entry),
    cancel: (entry, at) => this.#cancelAfterFailure(entry, at),
  })
  readonly #lanes: Lanes<Entry>
  readonly #archive: Archive<Entry>
  readonly #alarm: Alarm<Entry>
  readonly #announcer = new Announcer()
  readonly #subscribers: Subscriber[] = []
  readonly #receipts = new Receipts()
  /** Those in the state `queued`, in the order in which they came into it. */
  readonly #queued = new Set<Entry>()
  readonly #counters: Record<TaskState, number> = {
    queued: 0,
    scheduled: 0,
    running: 0,
    succeeded: 0,
    failed: 0,
    cancelled: 0,
  }
  #live = 0
  #bytes = 0
  #sequence = 0

  /** `inserted` is told of every task that has a record from then on, follow-ups and `onEnded` included. */
  constructor(
    bounds: QueueBounds,
    retention: Retention,
    clock: Clock = systemClock,
    inserted: (task: NewTask, at: number) => void = () => {},
  ) {
    this.#bounds = bounds
    this.#now = clock.now
    this.#inserted = inserted
    this.#lanes = new Lanes<Entry>((pool) => this.#announcer.announce(pool), clock)
    this.#alarm = new Alarm<Entry>((due) => due.forEach((entry) => this.#due(entry)), clock.now, clock.after)
    this.#archive = new Archive(retention, (entry) => this.#forget(entry))
  }

  /** There is nothing to open. */
  async open(): Promise<void> {}

  async add(tasks: readonly NewTask[], { held, unbounded = false, receipt }: AddOptions): Promise<void> {
    const bytes = tasks.map((task) => Buffer.byteLength(task.args))
    const now = this.#now()
    if (!unbounded) this.#checkBounds(tasks, bytes)
    if (receipt !== undefined) this.#receipts.add(receipt, now)
    tasks.forEach((task, index) => this.#insert(task, bytes[index]!, held, now))
    this.#groups.advance(now)
  }

  async discard(ids: readonly string[], receiptKey?: string): Promise<void> {
    if (receiptKey !== undefined) this.#receipts.remove(receiptKey)
    for (const id of ids) this.#discard(id)
    this.#groups.advance(this.#now())
  }

  async release(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#groups.release(id, this.#entries.get(id)?.turn)
    this.#groups.advance(this.#now())
  }

  claim(pool: string, slots: number): MaybePromise<ClaimedTask[]> {
    if (this.#paused.has(pool)) return []
    const claimed = fill(
      { free: slots, shared: 0 },
      () => this.#lanes.peek(pool),
      (entry) => {
        this.#lanes.take(entry)
        entry.claimed = true
      },
    )
    return claimed.map(toClaimed)
  }

  /** Nothing outlives the process of this engine. */
  async claimSuspect(): Promise<undefined> {}

  start(ids: readonly string[], at: number): MaybePromise<readonly string[]> {
    const entries = this.#claimedEntries(ids)
    for (const entry of entries) {
      entry.record.attempt++
      entry.record.startedAt = at
      entry.record.progress = null
      this.#setState(entry, 'running')
    }
    return entries.map(({ task }) => task.id)
  }

  async giveBack(ids: readonly string[]): Promise<void> {
    for (const entry of this.#claimedEntries(ids)) {
      this.#lanes.leave(entry, false)
      this.#offer(entry)
    }
  }

  async record(
    id: string,
    attempt: number,
    settlement: Settlement,
    followUps: readonly NewTask[] = [],
  ): Promise<boolean> {
    const entry = this.#entries.get(id)
    if (entry === undefined || entry.record.state !== 'running' || entry.record.attempt !== attempt)
      return false
    this.#lanes.leave(entry, true)
    this.#settle(entry, settlement)
    for (const task of followUps) this.#insert(task, Buffer.byteLength(task.args), false, settlement.at)
    this.#groups.advance(settlement.at)
    return true
  }

  progress(id: string, attempt: number, progress: Progress): void {
    const record = this.#entries.get(id)?.record
    if (record?.state === 'running' && record.attempt === attempt) record.progress = progress
  }

  onClaimable(listener: (pool: string) => void): void {
    this.#announcer.listen(listener)
  }

  /** No other process works on these tasks. */
  onSuspect(): void {}

  /** There is nothing that could fail. */
  onError(): void {}

  async get(id: string): Promise<TaskRecord | undefined> {
    const entry = this.#find(id)
    return entry && { ...entry.record }
  }

  async list(filter: ListFilter): Promise<TaskRecord[]> {
    const { state, name } = filter
    const matches = ({ record }: Entry) =>
      (state === undefined || record.state === state) && (name === undefined || record.name === name)
    return this.#archive.newest(filter.cursor, filter.limit, matches).map((entry) => ({ ...entry.record }))
  }

  async counters(): Promise<Record<TaskState, number>> {
    return { ...this.#counters }
  }

  async file(id: string): Promise<FileUse | undefined> {
    const entries = this.#archive.namingFile(id)
    const file = entries[0]?.task.files.find((stored) => stored.id === id)
    if (file === undefined) return undefined
    const inUse = entries.some(({ record }) => !hasEnded(record.state) || record.state === 'failed')
    const ends = entries.map(({ record }) => record.endedAt)
    return { file, inUse, endedAt: ends.includes(null) ? null : Math.max(...(ends as number[])) }
  }

  async oldest(): Promise<number | null> {
    const [first] = this.#queued
    return first?.record.addedAt ?? null
  }

  async receipt(key: string): Promise<Receipt | undefined> {
    return this.#receipts.get(key, this.#now())
  }

  async cancel(id: string, at: number): Promise<TaskRecord> {
    const entry = this.#existing(id)
    const { record } = entry
    if (hasEnded(record.state))
      throw conflict(`Task ${id} cannot be cancelled: it has ended, ${record.state}`)
    if (record.state === 'running') {
      for (const subscriber of this.#subscribers) subscriber.cancel(record.id, record.attempt)
      return { ...record }
    }
    if (entry.claimed) this.#lanes.leave(entry, false)
    else this.#lanes.remove(entry)
    record.error = toFailure(
      new AfterworkError('AFTERWORK_CANCELLED', `${record.name} was cancelled before it ran`),
    )
    this.#finish(entry, 'cancelled', at)
    this.#tellCancelled(entry)
    this.#groups.advance(at)
    return { ...record }
  }

  async retry(id: string): Promise<TaskRecord> {
    const entry = this.#existing(id)
    const { record, task } = entry
    if (record.state !== 'failed' && record.state !== 'cancelled') {
      throw conflict(`Task ${id} cannot be retried: it is ${record.state}, not failed or cancelled`)
    }
    const key = uniqueKey(task)
    if (key !== undefined && this.#unique.has(key))
      throw conflict(`Task ${id} cannot be retried: another one has its unique key`)
    if (key !== undefined) this.#unique.set(key, entry)
    this.#archive.revived(entry)
    Object.assign(record, { endedAt: null, runAt: null, progress: null })
    entry.failures = 0
    this.#live++
    this.#bytes += entry.bytes
    this.#setState(entry, 'queued')
    entry.turn = this.#groups.join(null, entry, { held: false, alias: undefined })
    this.#groups.advance(this.#now())
    return { ...record }
  }

  async purge(id: string): Promise<void> {
    const entry = this.#existing(id)
    const { state } = entry.record
    if (!hasEnded(state)) throw conflict(`Task ${id} cannot be forgotten: it is ${state}`)
    this.#archive.forget(entry)
  }

  async pause(pool: string): Promise<void> {
    this.#paused.add(pool)
  }

  async resume(pool: string): Promise<void> {
    if (this.#paused.delete(pool)) this.#announcer.announce(pool)
  }

  paused(): ReadonlySet<string> {
    return this.#paused
  }

  subscribe(subscriber: Subscriber): void {
    this.#subscribers.push(subscriber)
  }

  async close(): Promise<void> {
    this.#alarm.clear()
    this.#lanes.clear()
  }

  #discard(id: string): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined && (!entry.turn.held || this.#groups.hasAliases(entry)))
      return this.#groups.release(id, entry.turn)
    this.#groups.discard(id, entry?.turn)
    if (entry === undefined) return
    this.#live--
    this.#bytes -= entry.bytes
    const key = uniqueKey(entry.task)
    if (key !== undefined) this.#unique.delete(key)
    this.#archive.forget(entry)
  }

  #find(id: string): Entry | undefined {
    return this.#entries.get(id) ?? this.#groups.aliased(id)
  }

  #existing(id: string): Entry {
    const entry = this.#find(id)
    if (entry !== undefined) return entry
    throw new AfterworkError('AFTERWORK_TASK_NOT_FOUND', `There is no task ${id.slice(0, 64)}`)
  }

  /** Only what becomes a task counts, and no alias. */
  #checkBounds(tasks: readonly NewTask[], bytes: readonly number[]): void {
    const { maxTasks, maxBytes } = this.#bounds
    const keys = new Set<string>()
    let [count, total] = [0, 0]
    tasks.forEach((task, index) => {
      const key = uniqueKey(task)
      if (key !== undefined && (this.#unique.has(key) || keys.has(key))) return
      if (key !== undefined) keys.add(key)
      count++
      total += bytes[index]!
    })
    if (count === 0 || (this.#live + count <= maxTasks && this.#bytes + total <= maxBytes)) return
    throw new AfterworkError(
      'AFTERWORK_QUEUE_FULL',
      `The queue is full: it holds ${this.#live} of ${maxTasks} tasks and ${this.#bytes} of ${maxBytes} bytes; try again later`,
    )
  }

  #insert(added: NewTask, bytes: number, held: boolean, now: number): void {
    const task = withLimits(added, this.#bounds.limits)
    const key = uniqueKey(task)
    const living = key === undefined ? undefined : this.#unique.get(key)
    if (living !== undefined) return void this.#groups.join(task.group, living, { held, alias: task.id })
    const record = newRecord(task, now)
    const entry = {
      task,
      record,
      bytes,
      sequence: this.#sequence++,
      failures: 0,
      suspect: false,
      claimed: false,
      waiting: false,
      standing: false,
    } as Entry
    entry.turn = this.#groups.join(task.group, entry, { held, alias: undefined })
    this.#entries.set(task.id, entry)
    if (key !== undefined) this.#unique.set(key, entry)
    this.#archive.add(entry)
    this.#counters.queued++
    this.#queued.add(entry)
    this.#live++
    this.#bytes += bytes
    this.#inserted(task, now)
  }

  /** It is this task's turn: it becomes claimable now, or when it is due. */
  #offer(entry: Entry): void {
    entry.claimed = false
    const { runAt } = entry.record
    if (runAt !== null && runAt > this.#now()) {
      this.#setState(entry, 'scheduled')
      this.#alarm.set(entry, runAt)
      return
    }
    this.#setState(entry, 'queued')
    this.#lanes.offer(entry)
  }

  #due(entry: Entry): void {
    if (entry.record.state === 'scheduled') this.#offer(entry)
  }

  #settle(entry: Entry, settlement: Settlement): void {
    const { record } = entry
    record.error = settlement.state === 'succeeded' ? null : settlement.failure
    entry.suspect = settlement.state === 'queued' && settlement.suspect === true
    switch (settlement.state) {
      case 'queued':
        return this.#offer(entry)
      case 'scheduled':
        entry.failures++
        record.runAt = settlement.runAt
        return this.#offer(entry)
      case 'succeeded':
        record.progress = { fraction: 1, message: null }
        record.result = settlement.result
        return this.#finish(entry, 'succeeded', settlement.at)
      case 'failed':
      case 'cancelled':
        return this.#finish(entry, settlement.state, settlement.at)
    }
  }

  #finish(entry: Entry, state: 'succeeded' | 'failed' | 'cancelled', at: number): void {
    entry.record.endedAt = at
    entry.claimed = false
    this.#setState(entry, state)
    this.#live--
    this.#bytes -= entry.bytes
    const key = uniqueKey(entry.task)
    if (key !== undefined && this.#unique.get(key) === entry) this.#unique.delete(key)
    this.#groups.ended(entry)
    this.#archive.ended(entry, at)
    this.#addOnEnded(entry, at)
  }

  #addOnEnded(entry: Entry, at: number): void {
    const task = onEndedTask(entry.task, entry.record)
    if (task === undefined) return
    this.#insert(task, Buffer.byteLength(task.args), false, at)
    const added = this.#entries.get(task.id)
    if (added === undefined) return
    for (const subscriber of this.#subscribers) subscriber.added({ ...added.record })
  }

  #cancelAfterFailure(entry: Entry, at: number): void {
    const { name } = entry.record
    entry.record.error = toFailure(
      new AfterworkError(
        'AFTERWORK_PREDECESSOR_FAILED',
        `${name} runs only if the earlier tasks of its request succeed, and one did not`,
      ),
    )
    this.#finish(entry, 'cancelled', at)
    this.#tellCancelled(entry)
  }

  #tellCancelled(entry: Entry): void {
    for (const subscriber of this.#subscribers) subscriber.cancelled({ ...entry.record })
  }

  #setState(entry: Entry, state: TaskState): void {
    this.#counters[entry.record.state]--
    this.#counters[state]++
    entry.record.state = state
    if (state === 'queued') this.#queued.add(entry)
    else this.#queued.delete(entry)
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.task.id)
    this.#queued.delete(entry)
    this.#groups.forget(entry)
    this.#counters[entry.record.state]--
  }

  #claimedEntries(ids: readonly string[]): Entry[] {
    return ids
      .map((id) => this.#entries.get(id))
      .filter((entry) => entry?.claimed === true && entry.record.state === 'queued') as Entry[]
  }
}

function newRecord(task: NewTask, now: number): TaskRecord {
  const { options } = task
  return {
    id: task.id,
    name: task.name,
    group: task.group,
    pool: options.pool,
    priority: options.priority,
    state: 'queued',
    attempt: 0,
    progress: null,
    result: null,
    error: null,
    args: task.args,
    redact: options.redact,
    addedAt: now,
    runAt: options.runAt ?? (options.delay > 0 ? now + options.delay : null),
    startedAt: null,
    endedAt: null,
  }
}

function uniqueKey({ name, options }: NewTask): string | undefined {
  return options.unique === null ? undefined : `${name} ${options.unique}`
}

function conflict(message: string): AfterworkError {
  return new AfterworkError('AFTERWORK_CONFLICT', message)
}

function toClaimed({ task, record, failures, suspect }: Entry): ClaimedTask {
  const { id, name, args, group, options } = task
  return {
    id,
    name,
    args,
    group,
    options,
    attempt: record.attempt + 1,
    failures,
    suspect,
    addedAt: record.addedAt,
  }
}
