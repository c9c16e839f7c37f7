import { AfterworkError, badOption, didYouMean } from '../../core/errors.ts'
import { withoutPassword } from '../../core/queue-url.ts'
import type { TaskRecord } from '../../core/task.ts'
import { Visit, type SharedPool, type Steering } from '../../queue/postgres/visit.ts'
import { taskDocument, wholeTaskDocument } from '../../service/task-document.ts'
import { detailsOf, statsOf } from './direct.ts'
import type {
  Action,
  Changed,
  DirectOperator,
  Filter,
  Page,
  ShownPool,
  ShownTask,
  Sizes,
  Stats,
  TaskDetails,
} from './operator.ts'

/** Changes that are under way at a time. */
const atOnce = 4

/** Asks the database of the queue itself, whichever processes work on it. */
export class DatabaseOperator implements DirectOperator {
  readonly source: string
  readonly #visit: Visit

  private constructor(url: string, visit: Visit) {
    this.source = withoutPassword(url)
    this.#visit = visit
  }

  /** @throws AFTERWORK_PACKAGE_MISSING, AFTERWORK_QUEUE_UNUSABLE */
  static async open(url: string): Promise<DatabaseOperator> {
    return new DatabaseOperator(url, await Visit.open(url))
  }

  async list(filter: Filter): Promise<Page> {
    const found = await this.#visit.list({ ...filter, limit: filter.limit + 1 })
    const page = found.slice(0, filter.limit)
    return {
      tasks: page.map((record) => taskDocument(record, '')),
      next: found.length > page.length ? page.at(-1)!.id : null,
    }
  }

  async get(id: string): Promise<ShownTask> {
    const record = await this.#existing(id)
    return wholeTaskDocument(record, '', await this.#visit.attempts(record.id))
  }

  async details(id: string): Promise<TaskDetails> {
    return detailsOf(await this.#existing(id))
  }

  async change(action: Action, ids: readonly string[]): Promise<Changed[]> {
    const steering = await this.#visit.steering()
    const changed: Changed[] = []
    let next = 0
    let gone: string | undefined
    await Promise.all(
      Array.from({ length: Math.min(atOnce, ids.length) }, async () => {
        while (next < ids.length) {
          const place = next++
          const id = ids[place]!
          if (gone !== undefined) {
            changed[place] = {
              id,
              done: false,
              code: 'AFTERWORK_QUEUE_UNUSABLE',
              message: `Not tried: ${gone}`,
            }
            continue
          }
          changed[place] = await this.#changeOne(steering, action, id)
          const one = changed[place]
          if (!one.done && one.code === 'AFTERWORK_QUEUE_UNUSABLE') gone = one.message
        }
      }),
    )
    return changed
  }

  async stats(): Promise<Stats> {
    return statsOf(await this.#visit.counters(), await this.#visit.oldest())
  }

  flow(): Promise<{ added: number; ended: number }> {
    return this.#visit.flow()
  }

  /** Whether a process of this machine works on the queue, or adds to it. */
  lives(pid: number): Promise<boolean> {
    return this.#visit.lives(pid)
  }

  async pools(): Promise<ShownPool[]> {
    return (await this.#visit.pools()).map(shown)
  }

  async switchPool(name: string, action: 'pause' | 'resume'): Promise<ShownPool> {
    await this.#pool(name)
    await (await this.#visit.steering())[action](name)
    return shown(await this.#pool(name))
  }

  async resizePool(name: string, sizes: Sizes): Promise<ShownPool> {
    const { minThreads = 0, maxThreads = Infinity } = sizes
    if (minThreads > maxThreads)
      throw badOption('--min-threads', `at most --max-threads, which is ${maxThreads}`, minThreads)
    await this.#pool(name)
    await (await this.#visit.steering()).resize(name, sizes)
    return shown(await this.#pool(name))
  }

  async close(): Promise<void> {
    await this.#visit.close()
  }

  async #changeOne(steering: Steering, action: Action, id: string): Promise<Changed> {
    try {
      const record = await (action === 'cancel'
        ? steering.cancel(id, Date.now())
        : action === 'retry'
          ? steering.retry(id)
          : steering.purge(id))
      return { id, done: true, state: record?.state ?? null }
    } catch (error) {
      const { message } = error as Error
      const code = error instanceof AfterworkError ? error.code : 'AFTERWORK_QUEUE_UNUSABLE'
      return { id, done: false, code, message }
    }
  }

  async #existing(id: string): Promise<TaskRecord> {
    const record = await this.#visit.get(id)
    if (record !== undefined) return record
    throw new AfterworkError('AFTERWORK_TASK_NOT_FOUND', `There is no task ${id.slice(0, 64)}`)
  }

  async #pool(name: string): Promise<SharedPool> {
    const pools = await this.#visit.pools()
    const pool = pools.find((one) => one.name === name)
    if (pool !== undefined) return pool
    const hint = didYouMean(
      name,
      pools.map((one) => one.name),
    )
    throw new AfterworkError('AFTERWORK_POOL_NOT_FOUND', `There is no pool ${name.slice(0, 64)}${hint}`)
  }
}

/** Sizes are those that were set for all processes; each has the rest from its start. */
function shown({ name, paused, running, processes, sizes }: SharedPool): ShownPool {
  const { minThreads = null, maxThreads = null, concurrency = null } = sizes
  return { name, minThreads, maxThreads, concurrency, paused, running, processes }
}
