import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Afterwork } from '../afterwork.ts'

/** A pool that starts no tasks, as GET /readyz shows it. */
export interface PausedPool {
  pool: string
  /** Of the task that paused it; null by hand. */
  code: string | null
  message: string
}

/**
 * Which pools are paused, and why. What a task paused, for a wrong password for instance, goes on with the next start of a
 * process that works on the pool: it is with a start that a configuration is mended. What somebody paused by hand stays so.
 */
export class PausedPools {
  readonly #afterwork: Afterwork
  /** Names of the pools that tasks paused; the processes that share the data folder share it, too. */
  readonly #file: string
  /** Names of the pools that this process works on. */
  readonly #works: ReadonlySet<string>
  readonly #byTasks = new Map<string, PausedPool>()

  constructor(afterwork: Afterwork, data: string, works: readonly string[]) {
    this.#afterwork = afterwork
    this.#file = join(data, 'paused.json')
    this.#works = new Set(works)
    afterwork.on('pool.paused', ({ pool, failure, elsewhere }) => {
      if (failure === null) return this.#forget(pool, elsewhere)
      this.#byTasks.set(pool, { pool, code: failure.code ?? null, message: expected(failure.message) })
      if (!elsewhere) this.#save([...this.#saved().filter((name) => name !== pool), pool])
    })
    afterwork.on('pool.resumed', ({ pool, elsewhere }) => this.#forget(pool, elsewhere))
  }

  get list(): PausedPool[] {
    const paused = this.#afterwork.pools().filter((pool) => pool.paused)
    if (paused.length === 0) return []
    const saved = this.#saved()
    return paused.map(({ name }) => {
      const message = saved.includes(name) ? 'paused by a task' : 'paused by hand'
      return this.#byTasks.get(name) ?? { pool: name, code: null, message }
    })
  }

  /** Resumes what a task paused before this start. */
  async resume(): Promise<void> {
    const paused = this.#afterwork.pools().filter((pool) => pool.paused)
    const isPaused = new Set(paused.map(({ name }) => name))
    for (const name of this.#saved().filter((pool) => this.#works.has(pool))) {
      if (isPaused.has(name)) await this.#afterwork.resumePool(name)
      else this.#forget(name, false)
    }
  }

  /** The process that did it writes it down. */
  #forget(pool: string, elsewhere: boolean): void {
    this.#byTasks.delete(pool)
    if (elsewhere) return
    const saved = this.#saved()
    if (saved.includes(pool)) this.#save(saved.filter((name) => name !== pool))
  }

  /** None if there is no such file, or a crash has torn it. */
  #saved(): string[] {
    try {
      const pools: unknown = JSON.parse(readFileSync(this.#file, 'utf8'))
      return Array.isArray(pools) ? pools.filter((pool) => typeof pool === 'string') : []
    } catch {
      return []
    }
  }

  #save(pools: readonly string[]): void {
    if (pools.length === 0) rmSync(this.#file, { force: true })
    else writeFileSync(this.#file, `${JSON.stringify(pools)}\n`)
  }
}

/** What a server said is for the log, not for everybody who may ask whether the service is ready. */
function expected(message: string): string {
  return message.split(', got ')[0]!
}
