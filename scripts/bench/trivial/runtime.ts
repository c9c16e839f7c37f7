import { availableParallelism } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { createAfterwork, type Afterwork, type PoolOptions } from 'afterwork'
import { unbounded } from '../queue/engine.ts'
import { tasks } from './tasks.ts'

/** How long the last tasks may take when nothing is added any more, in milliseconds. */
const patience = 60_000

/** The threads of the pool `cpu`: all from the beginning, so that none starts while it is measured. */
export function threads(
  concurrency: number,
): Required<Pick<PoolOptions, 'minThreads' | 'maxThreads' | 'concurrency'>> {
  const cores = availableParallelism()
  return { minThreads: cores, maxThreads: cores, concurrency }
}

/** The runtime with the trivial tasks, started, and how many of them have ended. */
export class Runtime {
  readonly afterwork: Afterwork
  #succeeded = 0
  #failure: string | undefined
  #heard = (): void => {}

  private constructor(url: string, concurrency: number) {
    const pools = { cpu: threads(concurrency) }
    this.afterwork = createAfterwork({ tasks, queue: url, logger: false, pools, ...unbounded })
    this.afterwork.on('task.succeeded', () => {
      this.#succeeded++
      this.#heard()
    })
    this.afterwork.on('task.failed', ({ failure }) => this.#fail(failure.message))
    this.afterwork.on('afterwork.error', ({ error, during }) => this.#fail(`${during}: ${error.message}`))
  }

  static async start(url: string, { concurrency }: { concurrency: number }): Promise<Runtime> {
    const runtime = new Runtime(url, concurrency)
    await runtime.afterwork.start()
    return runtime
  }

  get succeeded(): number {
    return this.#succeeded
  }

  /**
   * Resolves when so many tasks in all have succeeded; rejects when one fails, when they take too long, and when the
   * queue then holds others, for a rate with a growing backlog is none.
   */
  async untilSucceeded(count: number): Promise<void> {
    const over = new AbortController()
    const late = wait(patience, undefined, { signal: over.signal }).then(() => {
      throw new Error(`Expected ${count} tasks to succeed, got ${this.#succeeded} after ${patience} ms`)
    })
    late.catch(() => {})
    const ended = new Promise<void>((resolve, reject) => {
      this.#heard = () => {
        if (this.#failure !== undefined) reject(new Error(this.#failure))
        else if (this.#succeeded >= count) resolve()
      }
      this.#heard()
    })
    try {
      await Promise.race([ended, late])
    } finally {
      over.abort()
      this.#heard = () => {}
    }
    const { queued, scheduled, running } = await this.afterwork.records.counters()
    const left = queued + scheduled + running
    if (left > 0 || this.#succeeded !== count)
      throw new Error(
        `Expected ${count} tasks to succeed, got ${this.#succeeded} and ${left} that have not ended`,
      )
  }

  #fail(message: string): void {
    this.#failure ??= message
    this.#heard()
  }
}
