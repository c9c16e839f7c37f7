import type { PgBoss } from 'pg-boss'
import type { Database } from './database.ts'
import { importPgBoss } from './peers.ts'
import { leaseSeconds } from './schema.ts'

/** How often pg-boss looks for tickets whose process is gone at most, whoever asks it to, in seconds. */
const lookSeconds = 2

/**
 * pg-boss keeps the tickets: its tables and their migrations, its queues, and its supervisor, which takes tickets away from
 * processes that give no sign of life.
 */
export class Boss {
  readonly #database: Database
  readonly #schema: string
  readonly #failed: (error: Error) => void
  #boss: PgBoss | undefined

  constructor(database: Database, schema: string, failed: (error: Error) => void) {
    this.#database = database
    this.#schema = schema
    this.#failed = failed
  }

  async start(): Promise<void> {
    const { PgBoss: Class } = await importPgBoss()
    const boss = new Class({
      db: { executeSql: (text, values) => this.#database.execute(text, values) },
      schema: this.#schema,
      schedule: false,
      // When, is known elsewhere: not while the processes themselves have only just come back.
      supervise: false,
      superviseIntervalSeconds: lookSeconds,
      monitorIntervalSeconds: lookSeconds,
      maintenanceIntervalSeconds: 3_600,
      // A backlog is nothing to warn of: the queue has bounds of its own.
      warningQueueSize: 1_000_000_000,
    })
    boss.on('error', this.#failed)
    this.#boss = boss
    await boss.start()
  }

  async createQueue(name: string): Promise<void> {
    await this.#boss!.createQueue(name, { heartbeatSeconds: leaseSeconds, deleteAfterSeconds: 0 })
  }

  async deleteQueue(name: string): Promise<void> {
    await this.#boss!.deleteQueue(name)
  }

  /** Takes tickets away from processes that give no sign of life, unless somebody has just done so. */
  async supervise(): Promise<void> {
    await this.#boss!.supervise()
  }

  async stop(): Promise<void> {
    await this.#boss?.stop({ graceful: false, close: false })
  }
}
