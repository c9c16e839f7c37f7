import pg from 'pg'
import { PostgresQueue } from '../../../src/queue/postgres/engine.ts'
import type { Known, QueueBounds } from '../../../src/queue/queue.ts'
import type { Ending } from '../../support/endings.ts'
import { newTask, Subject } from '../conformance/subject.ts'

/** What the tests of a file say of a new task: its name. */
export const name = newTask().name

/** What another process did to a pool, as an engine tells it. */
export type PoolNews = { pool: string } & Record<string, unknown>

/** An engine that shares its database with others, as though it were in a process of its own. */
export class Joined extends Subject {
  declare readonly engine: PostgresQueue
  /** What other processes did to pools. */
  readonly pools: PoolNews[] = []
  readonly errors: Error[] = []
  #waiting: (() => void)[] = []

  constructor(engine: PostgresQueue) {
    super(engine)
    engine.onError((error) => this.#tell(() => this.errors.push(error)))
    engine.subscribe({
      cancel: () => {},
      cancelled: () => {},
      added: () => {},
      paused: (pool, failure) => this.#tell(() => this.pools.push({ pool, paused: true, failure })),
      resumed: (pool) => this.#tell(() => this.pools.push({ pool, paused: false })),
      resized: (pool, sizes) => this.#tell(() => this.pools.push({ pool, ...sizes })),
    })
  }

  /** Waits until other processes have done so much to pools, and gives it. */
  async poolNews(count: number): Promise<PoolNews[]> {
    await this.#untilTold(() => this.pools.length >= count)
    return this.pools
  }

  /** The first error that nobody waited for, past or to come. */
  async error(): Promise<Error> {
    await this.#untilTold(() => this.errors.length > 0)
    return this.errors[0]!
  }

  async #untilTold(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #tell(note: () => void): void {
    note()
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/** Opens an engine on a database; it closes when the test ends. By default it knows one name, and works on both pools. */
export async function join(
  ending: Ending,
  url: string,
  known: Partial<Known> = {},
  bounds: Partial<QueueBounds> = {},
): Promise<Joined> {
  const engine = new PostgresQueue(url, { maxTasks: 1e6, maxBytes: 1e9, ...bounds }, { tasks: 1e6 })
  ending.teardown(() => engine.close())
  const joined = new Joined(engine)
  await engine.open({ names: new Set([name]), pools: ['cpu', 'mail'], files: true, ...known })
  return joined
}

/** A connection of the test's own. */
export async function connect(ending: Ending, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  // Its database is dropped with the test.
  client.on('error', () => {})
  await client.connect()
  ending.teardown(() => client.end())
  return client
}
