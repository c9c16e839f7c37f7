import { AfterworkError } from '../../core/errors.ts'
import type { PoolState } from '../../core/pool.ts'
import { taskStates } from '../../core/task.ts'
import type { Client } from './client.ts'
import type {
  Action,
  Changed,
  Filter,
  Operator,
  Page,
  ShownAttempt,
  ShownTask,
  Sizes,
  Stats,
} from './operator.ts'

/** Changes that are under way at a time. */
const atOnce = 8

/** Asks the running service, over HTTP. */
export class ServiceOperator implements Operator {
  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
  }

  get source(): string {
    return this.#client.url
  }

  async list(filter: Filter): Promise<Page> {
    const query = new URLSearchParams()
    for (const [key, value] of Object.entries(filter)) if (value !== undefined) query.set(key, String(value))
    const page = await this.#client.ask<Partial<Page> | null>(`/tasks?${query.toString()}`)
    if (!Array.isArray(page?.tasks) || !page.tasks.every(isTask)) throw this.#strange('/tasks')
    return { tasks: page.tasks, next: page.next ?? null }
  }

  async get(id: string): Promise<ShownTask> {
    const task = await this.#client.ask<ShownTask | null>(`/tasks/${encodeURIComponent(id)}`)
    if (!isTask(task)) throw this.#strange('/tasks')
    return task
  }

  async change(action: Action, ids: readonly string[]): Promise<Changed[]> {
    const changed: Changed[] = []
    let next = 0
    let gone: string | undefined
    await Promise.all(
      Array.from({ length: Math.min(atOnce, ids.length) }, async () => {
        while (next < ids.length) {
          const place = next++
          const id = ids[place]!
          if (gone !== undefined) {
            changed[place] = { id, done: false, code: 'AFTERWORK_NO_SERVICE', message: `Not tried: ${gone}` }
            continue
          }
          const one = await this.#changeOne(action, id)
          if (!one.done && one.code === 'AFTERWORK_NO_SERVICE') gone = one.message
          changed[place] = one
        }
      }),
    )
    return changed
  }

  async stats(): Promise<Stats> {
    const stats = await this.#client.ask<Partial<Stats> | null>('/tasks/stats')
    const { counts, oldestAddedAt = null } = stats ?? {}
    if (!taskStates.every((state) => Number.isInteger(counts?.[state]))) throw this.#strange('/tasks/stats')
    return { counts: counts!, oldestAddedAt }
  }

  async pools(): Promise<PoolState[]> {
    const answer = await this.#client.ask<{ pools?: PoolState[] } | null>('/pools')
    if (!Array.isArray(answer?.pools) || !answer.pools.every(isPool)) throw this.#strange('/pools')
    return answer.pools
  }

  switchPool(name: string, action: 'pause' | 'resume'): Promise<PoolState> {
    return this.#changePool(`/pools/${encodeURIComponent(name)}/${action}`, { method: 'POST' })
  }

  resizePool(name: string, sizes: Sizes): Promise<PoolState> {
    return this.#changePool(`/pools/${encodeURIComponent(name)}`, { method: 'PATCH', body: sizes })
  }

  close(): void {
    this.#client.close()
  }

  async #changePool(path: string, asking: { method: string; body?: unknown }): Promise<PoolState> {
    const pool = await this.#client.ask<PoolState | null>(path, asking)
    if (!isPool(pool)) throw this.#strange('/pools')
    return pool
  }

  async #changeOne(action: Action, id: string): Promise<Changed> {
    const path = `/tasks/${encodeURIComponent(id)}`
    try {
      const task = await (action === 'purge'
        ? this.#client.ask<null>(path, { method: 'DELETE' })
        : this.#client.ask<ShownTask | null>(`${path}/${action}`, { method: 'POST' }))
      return { id, done: true, state: task?.state ?? null }
    } catch (error) {
      if (!(error instanceof AfterworkError)) throw error
      return { id, done: false, code: error.code, message: error.message }
    }
  }

  #strange(path: string): AfterworkError {
    return new AfterworkError(
      'AFTERWORK_SERVICE_REFUSED',
      `${this.#client.url}${path} does not answer as afterwork does: is --url right?`,
    )
  }
}

/** Whether it has what is shown of every task; another version may tell more. */
function isTask(value: unknown): value is ShownTask {
  const task = value as Partial<Record<keyof ShownTask, unknown>> | null
  return (
    typeof task?.id === 'string' &&
    typeof task.name === 'string' &&
    typeof task.state === 'string' &&
    Number.isInteger(task.attempt) &&
    isDate(task.addedAt) &&
    [task.startedAt, task.endedAt].every((date) => date === null || isDate(date)) &&
    [task.progress, task.error].every((part) => typeof part === 'object') &&
    (task.attempts === undefined || (Array.isArray(task.attempts) && task.attempts.every(isAttempt)))
  )
}

function isAttempt(value: unknown): value is ShownAttempt {
  const attempt = value as Partial<Record<keyof ShownAttempt, unknown>> | null
  return (
    Number.isInteger(attempt?.attempt) &&
    typeof attempt?.state === 'string' &&
    (attempt.startedAt === null || isDate(attempt.startedAt)) &&
    isDate(attempt.endedAt) &&
    [attempt.process, attempt.error].every((part) => typeof part === 'object')
  )
}

function isPool(value: unknown): value is PoolState {
  const pool = value as Partial<Record<keyof PoolState, unknown>> | null
  const numbers = [pool?.running, pool?.minThreads, pool?.maxThreads, pool?.concurrency]
  return typeof pool?.name === 'string' && numbers.every(Number.isInteger)
}

function isDate(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}
