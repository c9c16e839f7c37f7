import TinyQueue from 'tinyqueue'
import { AfterworkError } from '../core/errors.ts'
import {
  hasEnded,
  type ClaimedTask,
  type NewTask,
  type Progress,
  type TaskRecord,
  type TaskState,
} from '../core/task.ts'
import { Archive } from './archive.ts'
import type { Engine, FileUse, ListFilter, QueueBounds, Retention, Settlement } from './queue.ts'
import { Alarm } from './alarm.ts'

/** A task that has not been forgotten, with what decides its turn. */
interface Entry {
  task: NewTask
  record: TaskRecord
  bytes: number
  /** Order of arrival, which decides between equal priorities. */
  sequence: number
  /** Attempts that count against `retries`. */
  failures: number
  held: boolean
  claimed: boolean
}

/** The `memory:` engine: fast, bounded, and gone with the process. */
export class MemoryQueue implements Engine {
  readonly #bounds: QueueBounds
  readonly #entries = new Map<string, Entry>()
  /** The tasks of each group that have not ended, in order; the first is the head. */
  readonly #groups = new Map<string, Entry[]>()
  readonly #ready = new Map<string, TinyQueue<Entry>>()
  readonly #archive: Archive<Entry>
  readonly #alarm = new Alarm<Entry>((due) => due.forEach((entry) => this.#offer(entry)))
  readonly #listeners: ((pool: string) => void)[] = []
  readonly #claimable = new Set<string>()
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

  constructor(bounds: QueueBounds, retention: Retention) {
    this.#bounds = bounds
    this.#archive = new Archive(retention, (entry) => this.#forget(entry))
  }

  async add(
    tasks: readonly NewTask[],
    { held, unbounded = false }: { held: boolean; unbounded?: boolean },
  ): Promise<void> {
    const bytes = tasks.map((task) => Buffer.byteLength(task.args))
    const total = bytes.reduce((sum, size) => sum + size, 0)
    if (!unbounded) this.#checkBounds(tasks.length, total)
    const now = Date.now()
    tasks.forEach((task, index) => this.#insert(task, bytes[index]!, held, now))
  }

  async release(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const entry = this.#entries.get(id)
      if (entry === undefined || !entry.held) continue
      entry.held = false
      if (this.#isHead(entry)) this.#offer(entry)
    }
  }

  async claim(pool: string, limit: number): Promise<ClaimedTask[]> {
    const ready = this.#ready.get(pool)
    const claimed: ClaimedTask[] = []
    while (claimed.length < limit) {
      const entry = ready?.pop()
      if (entry === undefined) break
      entry.claimed = true
      claimed.push(toClaimed(entry))
    }
    return claimed
  }

  async start(ids: readonly string[], at: number): Promise<void> {
    for (const entry of this.#claimedEntries(ids)) {
      entry.claimed = false
      entry.record.attempt++
      entry.record.startedAt = at
      entry.record.progress = null
      this.#setState(entry, 'running')
    }
  }

  async giveBack(ids: readonly string[]): Promise<void> {
    for (const entry of this.#claimedEntries(ids)) this.#offer(entry)
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
    this.#settle(entry, settlement)
    for (const task of followUps) this.#insert(task, Buffer.byteLength(task.args), false, settlement.at)
    return true
  }

  progress(id: string, attempt: number, progress: Progress): void {
    const record = this.#entries.get(id)?.record
    if (record?.state === 'running' && record.attempt === attempt) record.progress = progress
  }

  onClaimable(listener: (pool: string) => void): void {
    this.#listeners.push(listener)
  }

  async get(id: string): Promise<TaskRecord | undefined> {
    const entry = this.#entries.get(id)
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

  async close(): Promise<void> {
    this.#alarm.clear()
  }

  #checkBounds(tasks: number, bytes: number): void {
    const { maxTasks, maxBytes } = this.#bounds
    if (this.#live + tasks <= maxTasks && this.#bytes + bytes <= maxBytes) return
    throw new AfterworkError(
      'AFTERWORK_QUEUE_FULL',
      `The queue is full: it holds ${this.#live} of ${maxTasks} tasks and ${this.#bytes} of ${maxBytes} bytes; try again later`,
    )
  }

  #insert(task: NewTask, bytes: number, held: boolean, now: number): void {
    const { options } = task
    const delayed = options.delay > 0 ? now + options.delay : null
    const record: TaskRecord = {
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
      addedAt: now,
      runAt: options.runAt ?? delayed,
      startedAt: null,
      endedAt: null,
    }
    const entry = { task, record, bytes, sequence: this.#sequence++, failures: 0, held, claimed: false }
    this.#entries.set(task.id, entry)
    this.#archive.add(entry)
    this.#counters.queued++
    this.#live++
    this.#bytes += bytes
    const group = this.#groups.get(task.group)
    if (group === undefined) this.#groups.set(task.group, [entry])
    else group.push(entry)
    if (!held && this.#isHead(entry)) this.#offer(entry)
  }

  #isHead(entry: Entry): boolean {
    return this.#groups.get(entry.task.group)?.[0] === entry
  }

  /** It is this task's turn: it becomes claimable now, or when it is due. */
  #offer(entry: Entry): void {
    entry.claimed = false
    if (entry.record.runAt !== null && entry.record.runAt > Date.now()) {
      this.#setState(entry, 'scheduled')
      this.#alarm.set(entry, entry.record.runAt)
      return
    }
    this.#setState(entry, 'queued')
    const { pool } = entry.record
    let ready = this.#ready.get(pool)
    if (ready === undefined) this.#ready.set(pool, (ready = new TinyQueue<Entry>([], byTurn)))
    ready.push(entry)
    this.#announce(pool)
  }

  #settle(entry: Entry, settlement: Settlement): void {
    const { record } = entry
    record.progress = settlement.state === 'succeeded' ? { fraction: 1, message: null } : record.progress
    record.error = settlement.state === 'succeeded' ? null : settlement.failure
    switch (settlement.state) {
      case 'queued':
        return this.#offer(entry)
      case 'scheduled':
        entry.failures++
        record.runAt = settlement.runAt
        return this.#offer(entry)
      case 'succeeded':
        record.result = settlement.result
        return this.#end(entry, 'succeeded', settlement.at)
      case 'failed':
        return this.#end(entry, 'failed', settlement.at)
    }
  }

  #end(entry: Entry, state: 'succeeded' | 'failed' | 'cancelled', at: number): void {
    entry.record.endedAt = at
    this.#setState(entry, state)
    this.#live--
    this.#bytes -= entry.bytes
    const group = this.#groups.get(entry.task.group)!
    group.splice(group.indexOf(entry), 1)
    const [next] = group
    if (next === undefined) this.#groups.delete(entry.task.group)
    else if (!next.held && !next.claimed && next.record.state === 'queued') this.#offer(next)
    this.#archive.ended(entry, at)
  }

  #setState(entry: Entry, state: TaskState): void {
    this.#counters[entry.record.state]--
    this.#counters[state]++
    entry.record.state = state
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.task.id)
    this.#counters[entry.record.state]--
  }

  #claimedEntries(ids: readonly string[]): Entry[] {
    return ids.map((id) => this.#entries.get(id)).filter((entry) => entry?.claimed === true) as Entry[]
  }

  /** One call back a pool and turn of the loop, however many tasks became claimable in it. */
  #announce(pool: string): void {
    if (this.#claimable.size === 0) {
      setImmediate(() => {
        const pools = [...this.#claimable]
        this.#claimable.clear()
        for (const name of pools) for (const listener of this.#listeners) listener(name)
      })
    }
    this.#claimable.add(pool)
  }
}

function byTurn(a: Entry, b: Entry): number {
  return b.record.priority - a.record.priority || a.sequence - b.sequence
}

function toClaimed({ task, record, failures }: Entry): ClaimedTask {
  const { id, name, args, group, options } = task
  return { id, name, args, group, options, attempt: record.attempt + 1, failures, addedAt: record.addedAt }
}
