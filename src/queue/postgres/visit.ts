import { hostname } from 'node:os'
import type { AttemptRecord } from '../../core/attempt.ts'
import { AfterworkError } from '../../core/errors.ts'
import type { Resizing } from '../../core/pool.ts'
import type { TaskRecord, TaskState } from '../../core/task.ts'
import type { Controls, ListFilter } from '../queue.ts'
import { Database, type Statement } from './database.ts'
import { PostgresQueue } from './engine.ts'
import { Member } from './member.ts'
import { refuseOtherVersion, unusable } from './moving/version.ts'
import { placeOf } from './place.ts'
import { PostgresRecords } from './records.ts'
import { deadAfter } from './shared.ts'
import { named, statementsFor } from './sql.ts'

const texts = {
  version: 'SELECT version FROM $s.version',
  // Of its machine, and not silent for longer than a living one is.
  lives: `SELECT EXISTS (SELECT FROM $s.processes WHERE host = $1 AND pid = $2
    AND seen_on > clock_timestamp() - $3 * interval '1 second') AS lives`,
  pools: `SELECT n.pool AS name, coalesce(s.paused, false) AS paused, s.sizes,
      (SELECT count(*)::integer FROM $s.lanes l JOIN $b.job j ON j.name = l.queue
        WHERE l.pool = n.pool AND j.state = 'active' AND j.started_on IS NOT NULL) AS running,
      (SELECT count(*)::integer FROM $s.processes p
        WHERE n.pool = ANY (p.pools) AND p.seen_on > clock_timestamp() - $1 * interval '1 second') AS processes
    FROM (SELECT pool FROM $s.lanes WHERE pool NOT LIKE 'local:%' UNION SELECT pool FROM $s.pools
      UNION SELECT unnest(pools) FROM $s.processes) n (pool)
    LEFT JOIN $s.pools s USING (pool) ORDER BY n.pool`,
  flow: `SELECT (SELECT coalesce(sum(queued + scheduled + running), 0) FROM $s.totals)::float8 AS live,
    (SELECT last_value FROM $s.ended)::float8 AS ended`,
} as const

type VisitStatements = Readonly<Record<keyof typeof texts, Statement>>

/** A pool as all processes that share the queue know it. */
export interface SharedPool {
  name: string
  paused: boolean
  /** Tasks that run, in whichever process. */
  running: number
  /** How many processes work on it. */
  processes: number
  /** What was set for all processes; the rest is as each was started. */
  sizes: Resizing
}

/** What a visitor can do to tasks and pools. */
export type Steering = Pick<Controls, 'cancel' | 'retry' | 'purge' | 'pause' | 'resume'> & {
  resize(pool: string, sizes: Resizing): Promise<void>
}

/**
 * Looks at a queue in PostgreSQL, and steers it, without being one of the processes that share it: nothing is installed,
 * no lease is held, nothing runs here.
 */
export class Visit {
  readonly #url: string
  readonly #database: Database
  readonly #sql: VisitStatements
  readonly #records: PostgresRecords
  #steering: Promise<PostgresQueue> | undefined

  private constructor(url: string) {
    this.#url = url
    const { url: server, names } = placeOf(url)
    const entries = Object.entries(texts).map(([name, text]) => [
      name,
      { name: '', text: named(text, names) },
    ])
    this.#sql = Object.fromEntries(entries) as VisitStatements
    this.#database = new Database(server, 2)
    const member = new Member(Date.now)
    this.#records = new PostgresRecords(
      this.#database,
      statementsFor(names),
      names,
      () => Promise.resolve(),
      () => member.there(member.clock()),
    )
  }

  /** @throws AFTERWORK_PACKAGE_MISSING; AFTERWORK_QUEUE_UNUSABLE also where there is no queue, or one of another version */
  static async open(url: string): Promise<Visit> {
    const visit = new Visit(url)
    await visit.#database.open()
    const { names } = placeOf(url)
    try {
      if (await refuseOtherVersion(visit.#database, names, visit.#sql.version)) return visit
      const message = `There is no queue in the schema ${names.schema} of this database; the first process that works on it makes one`
      throw new AfterworkError('AFTERWORK_QUEUE_UNUSABLE', message)
    } catch (error) {
      await visit.close()
      throw unusable(error)
    }
  }

  get(id: string): Promise<TaskRecord | undefined> {
    return this.#read(() => this.#records.get(id))
  }

  list(filter: ListFilter): Promise<TaskRecord[]> {
    return this.#read(() => this.#records.list(filter))
  }

  /** See Records.attempts(). */
  attempts(id: string): Promise<AttemptRecord[]> {
    return this.#read(() => this.#records.attempts(id))
  }

  counters(): Promise<Record<TaskState, number>> {
    return this.#read(() => this.#records.counters())
  }

  /** See Records.oldest(). */
  oldest(): Promise<number | null> {
    return this.#read(() => this.#records.oldest())
  }

  /** How many tasks were added and have ended so far: numbers of which only the growth means something. */
  async flow(): Promise<{ added: number; ended: number }> {
    const [row] = await this.#read(() =>
      this.#database.run<{ live: number; ended: number }>(this.#sql.flow, []),
    )
    const { live, ended } = row!
    return { added: live + ended, ended }
  }

  async pools(): Promise<SharedPool[]> {
    type Row = Omit<SharedPool, 'sizes'> & { sizes: string | null }
    const rows = await this.#read(() => this.#database.run<Row>(this.#sql.pools, [deadAfter]))
    return rows.map(({ sizes, ...pool }) => ({
      ...pool,
      sizes: sizes === null ? {} : (JSON.parse(sizes) as Resizing),
    }))
  }

  /** Whether a process of this machine is one of those that share the queue, and alive. */
  async lives(pid: number): Promise<boolean> {
    const values = [hostname(), pid, deadAfter]
    const [row] = await this.#read(() => this.#database.run<{ lives: boolean }>(this.#sql.lives, values))
    return row!.lives
  }

  /** What changes tasks and pools; a running task is asked to stop in its own process. */
  async steering(): Promise<Steering> {
    this.#steering ??= this.#open()
    return await this.#steering
  }

  async close(): Promise<void> {
    const steering = await this.#steering?.catch(() => undefined)
    await Promise.all([steering?.close(), this.#database.close()])
  }

  async #open(): Promise<PostgresQueue> {
    // Bounds are for what is added, and forgetting is for those who end tasks.
    const unbounded = { maxTasks: Infinity, maxBytes: Infinity }
    const queue = new PostgresQueue(this.#url, unbounded, { tasks: Infinity })
    await queue.visit()
    return queue
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      throw unusable(error)
    }
  }
}
