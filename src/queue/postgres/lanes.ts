import { createHash } from 'node:crypto'
import { localPool } from '../../core/pool.ts'
import type { Boss } from './boss.ts'
import type { Database } from './database.ts'
import type { Statements } from './sql.ts'

interface Lane {
  queue: string
  pool: string
  name: string
  batch: boolean
}

/** What a lane is chosen by. */
interface Wanted {
  name: string
  options: { pool: string; batch: boolean }
}

/** The queues of pg-boss, one for each pool and name of a task; local functions have one for each process. */
export class LaneBook {
  readonly #database: Database
  readonly #sql: Statements
  readonly #boss: Boss
  readonly #lanes = new Map<string, Lane>()
  readonly #creating = new Map<string, Promise<void>>()
  /** Lanes of local functions whose process is gone. */
  #strays: string[] = []
  #process = 0

  constructor(database: Database, sql: Statements, boss: Boss) {
    this.#database = database
    this.#sql = sql
    this.#boss = boss
  }

  async open(process: number): Promise<void> {
    this.#process = process
    await this.refresh()
  }

  /** How many lanes this process knows of. */
  get size(): number {
    return this.#lanes.size
  }

  /** The pools that tasks are in. */
  pools(): string[] {
    return [...new Set(Array.from(this.#lanes.values(), ({ pool }) => pool))]
  }

  /** The queue of a task, which must be there. */
  queueOf(task: Wanted): string {
    return queueName(this.#poolOf(task), this.#nameOf(task))
  }

  /** Whether the lanes of these tasks are there. */
  has(tasks: readonly Wanted[]): boolean {
    return tasks.every((task) => {
      const lane = this.#lanes.get(this.queueOf(task))
      return lane !== undefined && (lane.batch || !task.options.batch)
    })
  }

  /** Makes the lanes of these tasks. */
  async make(tasks: readonly Wanted[]): Promise<void> {
    for (const task of tasks) {
      if (this.has([task])) continue
      const queue = this.queueOf(task)
      const { batch } = task.options
      const lane = { queue, pool: this.#poolOf(task), name: this.#nameOf(task), batch }
      const key = `${queue} ${batch}`
      const creating = this.#creating.get(key) ?? this.#create(lane).finally(() => this.#creating.delete(key))
      this.#creating.set(key, creating)
      await creating
    }
  }

  /** The queues of a pool whose tasks are known here, of which `names` are all; undefined: all are. */
  queuesOf(pool: string, names: ReadonlySet<string> | undefined): string[] {
    if (pool === localPool) {
      const own = queueName(`${localPool}:${this.#process}`, '*')
      return this.#lanes.has(own) ? [own, ...this.#strays] : this.#strays
    }
    return Array.from(this.#lanes.values())
      .filter((lane) => lane.pool === pool && (names === undefined || names.has(lane.name)))
      .map(({ queue }) => queue)
  }

  /** Learns of lanes that other processes have made. */
  async refresh(): Promise<void> {
    const lanes = await this.#database.run<Lane>(this.#sql.lanes, [])
    this.#lanes.clear()
    for (const lane of lanes) this.#lanes.set(lane.queue, lane)
    this.#strays = (await this.#database.run<{ queue: string }>(this.#sql.strayLanes, [])).map(
      ({ queue }) => queue,
    )
  }

  /** Removes the lanes of processes that are gone, once nothing waits in them. */
  async tidy(): Promise<void> {
    if (this.#strays.length === 0) return
    for (const { queue } of await this.#database.run<{ queue: string }>(this.#sql.removeLanes, [])) {
      this.#lanes.delete(queue)
      await this.#boss.deleteQueue(queue)
    }
  }

  async #create(lane: Lane): Promise<void> {
    const { queue, pool, name, batch } = lane
    await this.#boss.createQueue(queue)
    await this.#database.run(this.#sql.addLane, [queue, pool, name, batch])
    if (batch) await this.#database.run(this.#sql.batchLane, [queue])
    await this.#database.run(this.#sql.tell, ['l'])
    this.#lanes.set(queue, lane)
  }

  #poolOf({ options: { pool } }: Wanted): string {
    return pool === localPool ? `${localPool}:${this.#process}` : pool
  }

  #nameOf({ name, options: { pool } }: Wanted): string {
    return pool === localPool ? '*' : name
  }
}

/** A name that pg-boss takes: `pool/name` where it can be, else a digest of both. */
function queueName(pool: string, name: string): string {
  const plain = `${pool}/${name}`
  if (/^[\w.-]{1,60}\/[\w.-]{1,120}$/.test(plain)) return plain
  return `lane/${createHash('sha256')
    .update(JSON.stringify([pool, name]))
    .digest('hex')
    .slice(0, 40)}`
}
