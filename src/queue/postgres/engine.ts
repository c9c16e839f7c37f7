import type { AttemptRecord } from '../../core/attempt.ts'
import type { TransactionClient } from '../../core/client.ts'
import { AfterworkError } from '../../core/errors.ts'
import type { Failure } from '../../core/failure.ts'
import { isId } from '../../core/id.ts'
import { localPool } from '../../core/pool.ts'
import type { Resizing } from '../../core/pool.ts'
import type { Receipt } from '../../core/receipt.ts'
import type { ClaimedTask, NewTask, Progress, TaskRecord, TaskState } from '../../core/task.ts'
import { hasEnded } from '../../core/task.ts'
import { Announcer } from '../announcer.ts'
import type {
  AddOptions,
  Engine,
  FileUse,
  Known,
  ListFilter,
  MaybePromise,
  QueueBounds,
  Retention,
  Settlement,
  Subscriber,
} from '../queue.ts'
import { Adding } from './adding.ts'
import { Attempts, ends } from './attempts.ts'
import { Boss } from './boss.ts'
import { Changes, type News } from './changes.ts'
import { Claimable } from './claimable.ts'
import { Claims } from './claims.ts'
import { Database, isPassing } from './database.ts'
import { install } from './install.ts'
import { LaneBook } from './lanes.ts'
import { Leases, memberOf, type FromLeases } from './leases.ts'
import { Member } from './member.ts'
import { placeOf, type Place } from './place.ts'
import { SetPools } from './pools.ts'
import { PostgresRecords } from './records.ts'
import type { Entry } from './row.ts'
import { deadAfter, Shared } from './shared.ts'
import { statementsFor, type Statements } from './sql.ts'
import { Watching } from './watching.ts'

/** Connections for statements; there are two more, one that listens and one that gives signs of life. */
const connections = 6
/** How long it takes to try again what must be done in the end, in milliseconds. */
const again = 500

/** What tests replace. */
export interface PostgresParts {
  /** Milliseconds since 1970. */
  clock?: () => number
  /** Closes without a word to the others, as though it were killed. */
  silent?: boolean
}

/**
 * The `postgres:` engine: any number of processes work on the tasks of one database. A task is a row of ours; that it may
 * run, or runs, is a job of pg-boss, its ticket. What must hold across processes is decided in the database.
 */
export class PostgresQueue implements Engine {
  readonly discardsUnheld = true
  readonly #place: Place
  readonly #silent: boolean
  readonly #member: Member
  readonly #database: Database
  readonly #sql: Statements
  readonly #boss: Boss
  readonly #lanes: LaneBook
  readonly #leases: Leases
  readonly #changes: Changes
  readonly #attempts: Attempts
  readonly #adding: Adding
  readonly #claims: Claims
  readonly #shared: Shared
  readonly #records: PostgresRecords
  readonly #announcer = new Announcer()
  readonly #subscribers: Subscriber[] = []
  readonly #errorListeners: ((error: Error, during: string) => void)[] = []
  readonly #suspectListeners: (() => void)[] = []
  readonly #pools: SetPools
  readonly #watching: Watching
  readonly #claimable: Claimable
  /** The database failed at something, of which was told. */
  #failing = false
  #closing: Promise<void> | undefined

  /** Opens nothing yet; see open(). */
  constructor(url: string, bounds: QueueBounds, retention: Retention, parts: PostgresParts = {}) {
    this.#place = placeOf(url)
    this.#silent = parts.silent ?? false
    const announce = (pool: string): void => this.#announcer.announce(pool)
    const member = (this.#member = new Member(parts.clock ?? Date.now))
    const database = (this.#database = new Database(this.#place.url, connections))
    const sql = (this.#sql = statementsFor(this.#place.names))
    const boss = (this.#boss = new Boss(database, this.#place.names.boss, (error) =>
      this.#failedOnce(error, 'looking after the tickets'),
    ))
    const lanes = (this.#lanes = new LaneBook(database, sql, boss))
    const leases = (this.#leases = new Leases(
      (news) => this.#hearLeases(news),
      () => this.#attempts.leases,
    ))
    const watching = (this.#watching = new Watching(database, sql, member))
    const claimable = (this.#claimable = new Claimable(database, sql, announce))
    const changes = (this.#changes = new Changes(
      database,
      sql,
      lanes,
      member,
      this.#subscribers,
      watching,
      claimable,
    ))
    const attempts = (this.#attempts = new Attempts(database, sql, lanes, leases, member, changes, watching))
    this.#adding = new Adding(database, sql, lanes, member, changes, bounds, claimable, (during, work) =>
      this.#persist(during, work),
    )
    this.#claims = new Claims(database, sql, lanes, member, attempts, bounds.limits ?? {}, {
      announce,
      cancel: (id) => this.#cancelAsked(id),
    })
    this.#shared = new Shared(database, sql, lanes, member, attempts, changes, retention.tasks, {
      announce,
      cancel: (id) => this.#cancelAsked(id),
      suspects: () => {
        if (this.#claims.suspectsAreAskedFor) for (const listener of this.#suspectListeners) listener()
      },
      pools: (rows) => this.#pools.see(rows),
      supervise: () => this.#boss.supervise(),
      unknown: (name) => this.#failed(unknownName(name), 'looking for tasks that nobody runs'),
      failed: (error, during) => this.#failedOnce(error, during),
      worked: () => {
        this.#failing = false
      },
    })
    this.#pools = new SetPools(this.#subscribers, {
      opened: announce,
      closed: (pool) => this.#claims.giveBack(pool),
    })
    this.#records = new PostgresRecords(
      database,
      sql,
      this.#place.names,
      () => attempts.note(),
      () => member.there(member.clock()),
    )
  }

  async open(known?: Known): Promise<void> {
    const { names } = this.#place
    const member = this.#member
    member.known = known
    await this.#database.open()
    try {
      await this.#boss.start()
      await install(this.#database, names)
      const described = memberOf(known?.names ?? [], known?.pools ?? [])
      const asked = member.clock()
      const { host, pid, names: tasks, pools } = described
      const values = [host, pid, tasks, pools]
      const [joined] = await this.#database.run<{ id: number; now: number; back: boolean }>(
        this.#sql.join,
        values,
      )
      member.process = joined!.id
      member.compare(joined!.now, asked)
      await this.#lanes.open(member.process)
      this.#leases.start({ ...this.#place, process: member.process, member: described })
      this.#database.listen(
        works(known) ? [names.schema, `${names.schema}.work`] : [names.schema],
        (what) => this.#hear(what),
        () => this.#shared.look(),
      )
      if (!joined!.back) await this.#boss.supervise()
      await this.#shared.start(joined!.back)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /**
   * Opens the queue to steer its tasks from outside: this process is none of those that share it, and runs none of them.
   * What it needs must be installed.
   */
  async visit(): Promise<void> {
    await this.#database.open()
    try {
      await this.#boss.start()
      await this.#lanes.open(0)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async add(tasks: readonly NewTask[], options: AddOptions): Promise<void> {
    if (tasks.length === 0 && options.receipt === undefined) return
    await this.#adding.add(tasks, options)
  }

  addWithin(task: NewTask, client: TransactionClient): Promise<void> {
    return this.#adding.addWithin(task, client)
  }

  discard(ids: readonly string[], receiptKey?: string): Promise<void> {
    return this.#adding.discard(ids, receiptKey)
  }

  release(ids: readonly string[]): Promise<void> {
    return this.#adding.release(ids)
  }

  claim(pool: string, slots: number): MaybePromise<ClaimedTask[]> {
    if (this.#pools.paused.has(pool)) return []
    const claimed = this.#claims.claim(pool, slots)
    if (!(claimed instanceof Promise)) return claimed
    return claimed.catch((error: unknown) => this.#noneFor(error, `claiming tasks of pool ${pool}`) ?? [])
  }

  async claimSuspect(pools: Iterable<string>): Promise<ClaimedTask | undefined> {
    try {
      await this.#shared.takeLost()
      return await this.#claims.claimSuspect([...pools].filter((pool) => !this.#pools.paused.has(pool)))
    } catch (error) {
      return this.#noneFor(error, 'claiming tasks of a process that has died')
    }
  }

  start(ids: readonly string[], at: number, alone = false): MaybePromise<readonly string[]> {
    return this.#attempts.start(ids, at, alone)
  }

  giveBack(ids: readonly string[]): Promise<void> {
    return this.#attempts.giveBack(this.#attempts.claimed(ids))
  }

  async record(
    id: string,
    attempt: number,
    settlement: Settlement,
    followUps: readonly NewTask[] = [],
  ): Promise<boolean> {
    const entry = this.#running(id, attempt)
    if (entry === undefined) return false
    const recorded = await this.#attempts.record(entry, settlement, followUps)
    if (recorded && ends(settlement)) await this.#shared.ended(1)
    return recorded
  }

  progress(id: string, attempt: number, progress: Progress): void {
    const entry = this.#running(id, attempt)
    if (entry !== undefined) this.#attempts.progress(entry, progress)
  }

  onClaimable(listener: (pool: string) => void): void {
    this.#announcer.listen(listener)
  }

  onSuspect(listener: () => void): void {
    this.#suspectListeners.push(listener)
  }

  onError(listener: (error: Error, during: string) => void): void {
    this.#errorListeners.push(listener)
  }

  async get(id: string): Promise<TaskRecord | undefined> {
    const record = await this.#records.get(id)
    return record && this.#withOwn(record)
  }

  async list(filter: ListFilter): Promise<TaskRecord[]> {
    return (await this.#records.list(filter)).map((record) => this.#withOwn(record))
  }

  counters(): Promise<Record<TaskState, number>> {
    return this.#records.counters()
  }

  file(id: string): Promise<FileUse | undefined> {
    return this.#records.file(id)
  }

  oldest(): Promise<number | null> {
    return this.#records.oldest()
  }

  attempts(id: string): Promise<AttemptRecord[]> {
    return this.#records.attempts(id)
  }

  receipt(key: string): Promise<Pick<Receipt, 'fingerprint' | 'answer'> | undefined> {
    return this.#records.receipt(key)
  }

  async agree(key: string, value?: string): Promise<string | undefined> {
    const values = [key, value ?? null]
    const [row] = await this.#database.run<{ value: string | null }>(this.#sql.agree, values)
    return row!.value ?? undefined
  }

  async cancel(id: string, at: number): Promise<TaskRecord> {
    if (!isId(id)) throw notFound(id)
    const own = this.#attempts.get(id) ?? (await this.#behind(id))
    if (own?.running === true) return await this.#cancelRunning(own)
    await this.#attempts.note()
    const { result, id: found } = await this.#cancel(id, at)
    if (result === 'gone') throw notFound(id)
    const entry = this.#attempts.get(found)
    if (result === 'running' && entry?.running === true) return await this.#cancelRunning(entry)
    const record = await this.#existing(found)
    if (result === 'ended') throw conflict(`Task ${id} cannot be cancelled: it has ended, ${record.state}`)
    return record
  }

  async retry(id: string): Promise<TaskRecord> {
    const { pool } = await this.#existing(id)
    // Its lane goes with its process.
    if (pool === localPool) throw conflict(`Task ${id} cannot be retried: its function lived in memory only`)
    const [row] = await this.#database.run<{ result: string; id: string }>(this.#sql.retry, [id])
    const { result, id: found } = row!
    if (result === 'gone') throw notFound(id)
    const record = await this.#existing(found)
    if (result === 'key') throw conflict(`Task ${id} cannot be retried: another one has its unique key`)
    if (result !== 'queued')
      throw conflict(`Task ${id} cannot be retried: it is ${record.state}, not failed or cancelled`)
    this.#announcer.announce(record.pool)
    this.#watching.changed([found])
    return record
  }

  async purge(id: string): Promise<void> {
    const record = await this.#existing(id)
    if (!hasEnded(record.state)) throw conflict(`Task ${id} cannot be forgotten: it is ${record.state}`)
    await this.#database.run(this.#sql.remove, [[record.id]])
  }

  async pause(pool: string, failure?: Failure): Promise<void> {
    const open = !this.#pools.paused.has(pool)
    this.#pools.pause(pool, failure !== undefined)
    try {
      await this.#shared.setPool('pause', [
        pool,
        true,
        failure === undefined ? null : JSON.stringify(failure),
      ])
    } catch (error) {
      // Should it be set after all, the next look sees it.
      if (open) this.#pools.resume(pool)
      throw error
    }
  }

  async resume(pool: string): Promise<void> {
    this.#pools.resume(pool)
    await this.#shared.setPool('pause', [pool, false, null])
  }

  paused(): ReadonlySet<string> {
    return this.#pools.paused
  }

  async resize(pool: string, sizes: Resizing): Promise<void> {
    this.#pools.resized(pool, await this.#shared.setPool('resize', [pool, JSON.stringify(sizes)]))
  }

  sizes(): ReadonlyMap<string, Resizing> {
    return this.#pools.sizes
  }

  watch(id: string, changed: () => void): () => void {
    return this.#watching.watch(id, changed)
  }

  subscribe(subscriber: Subscriber): void {
    this.#subscribers.push(subscriber)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#claims.clear()
    await Promise.all([this.#shared.stop(), this.#watching.stop()])
    await this.#adding.idle()
    await Promise.all([this.#claimable.idle(), this.#attempts.idle()])
    await this.#leases.stop()
    // If not now, then when its signs of life have been missing for long enough.
    if (!this.#silent && !this.#failing && this.#member.process > 0) await this.#leave().catch(() => {})
    await this.#boss.stop()
    await this.#database.close()
  }

  /** What this process held goes on, what it had claimed goes back. */
  async #leave(): Promise<void> {
    await this.giveBack(this.#attempts.ids)
    await this.#changes.run('leave', [this.#member.process, deadAfter])
  }

  #running(id: string, attempt: number): Entry | undefined {
    const entry = this.#attempts.get(id)
    const its = entry?.running === true && entry.task.attempt === attempt && !entry.settling
    return its ? entry : undefined
  }

  async #existing(id: string): Promise<TaskRecord> {
    const record = await this.get(id)
    if (record === undefined) throw notFound(id)
    return record
  }

  async #cancel(id: string, at: number): Promise<{ result: string; id: string }> {
    const entry = this.#attempts.get(id)
    const claimed = entry?.claimed === true
    // While this is decided it must not start.
    if (claimed) this.#attempts.drop(entry)
    try {
      const row = await this.#cancelThere(id, at, claimed)
      if (row.result === 'cancelled') await this.#shared.ended(1)
      return row
    } catch (error) {
      if (claimed) this.#attempts.giveBack([entry]).catch(() => {})
      throw error
    }
  }

  #cancelThere(id: string, at: number, claimed: boolean): Promise<{ result: string; id: string }> {
    return this.#changes.make(async (run) => {
      const values = [id, this.#member.there(at), null, this.#member.process, claimed]
      const [row] = await run<{ result: string; id: string; news: News }>(this.#sql.cancel, values)
      const own = row!.result === 'cancelled' ? [`c:${row!.id}`] : []
      return { news: [...own, ...row!.news], value: row! }
    })
  }

  /** The task of this process that an id is an alias of. */
  async #behind(id: string): Promise<Entry | undefined> {
    const [alias] = await this.#database.run<{ target: string | null }>(this.#sql.target, [id])
    return this.#attempts.get(alias?.target ?? id)
  }

  async #cancelRunning(entry: Entry): Promise<TaskRecord> {
    // As it is before it is asked to stop, which may end it at once.
    const record = await this.#existing(entry.task.id)
    this.#askToStop(entry)
    return record
  }

  /** Somebody asked for it, in whichever process. */
  #cancelAsked(id: string): void {
    const entry = this.#attempts.get(id)
    if (entry?.running === true) {
      // Of one cancel is heard once, and read at each look.
      if (!entry.stopping) this.#askToStop(entry)
    }
    // What cannot be cancelled now is not forgotten: whoever claims it next is told.
    else if (entry?.claimed === true) this.#cancel(id, this.#member.clock()).catch(() => {})
  }

  #askToStop(entry: Entry): void {
    const { id, attempt } = entry.task
    entry.stopping = true
    if (!entry.settling) for (const subscriber of this.#subscribers) subscriber.cancel(id, attempt)
  }

  /** What other processes say, and this one: see the functions of the schema. */
  #hear(what: string): void {
    const rest = what.slice(2)
    switch (what[0]) {
      case 'c': {
        const [priority, pool] = divided(rest)
        this.#claims.heard(pool, priority)
        return this.#announcer.announce(pool)
      }
      case 'd':
        return this.#shared.dueAt(Number(rest))
      case 'x':
        return this.#cancelAsked(rest)
      case 'w':
      case 't':
        return this.#watching.heard(what)
      case 'l':
      case 'p':
        return this.#shared.look()
    }
  }

  #hearLeases(news: FromLeases): void {
    if ('failed' in news) this.#failedOnce(new Error(news.failed), 'giving signs of life')
    else if ('lost' in news) for (const id of news.lost) this.#lose(id)
  }

  /** It is another process's: what still runs here is for nothing. */
  #lose(id: string): void {
    const entry = this.#attempts.get(id)
    if (entry === undefined || entry.settling) return
    if (entry.running) this.#askToStop(entry)
    else this.#attempts.drop(entry)
  }

  #withOwn(record: TaskRecord): TaskRecord {
    if (record.state !== 'running') return record
    const entry = this.#attempts.get(record.id)
    return entry?.running === true ? { ...record, progress: entry.progress } : record
  }

  /** While the database is away there is nothing to claim; once a look sees it again all pools are asked anew. */
  #noneFor(error: unknown, during: string): undefined {
    if (!isPassing(error)) throw error
    this.#failedOnce(error, during)
  }

  /** Tries again until it is done, or the queue is closed. */
  async #persist<T>(during: string, work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (this.#closing !== undefined || !isPassing(error)) throw error
        this.#failedOnce(error, during)
        await new Promise((resolve) => setTimeout(resolve, again))
      }
    }
  }

  /** Told once until the database is seen to work again. */
  #failedOnce(error: unknown, during: string): void {
    if (this.#failing) return
    this.#failing = true
    this.#failed(error as Error, during)
  }

  #failed(error: Error, during: string): void {
    if (this.#closing !== undefined) return
    for (const listener of this.#errorListeners) listener(error, during)
  }
}

/** Whether it runs more than functions of its own. */
function works(known: Known | undefined): boolean {
  return known === undefined || known.pools.some((pool) => pool !== localPool)
}

/** `5:cpu`: a task of priority 5 in the pool cpu; NaN where there is none. */
function divided(text: string): [number, string] {
  const at = text.indexOf(':')
  return [at === 0 ? NaN : Number(text.slice(0, at)), text.slice(at + 1)]
}

function unknownName(name: string): AfterworkError {
  const message = `Tasks named ${name} wait, and no process that works on their pool knows that name`
  return new AfterworkError('AFTERWORK_UNKNOWN_TASK', message)
}

function notFound(id: string): AfterworkError {
  return new AfterworkError('AFTERWORK_TASK_NOT_FOUND', `There is no task ${id.slice(0, 64)}`)
}

function conflict(message: string): AfterworkError {
  return new AfterworkError('AFTERWORK_CONFLICT', message)
}
