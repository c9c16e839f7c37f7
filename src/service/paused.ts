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
 * Which pools are paused, and why. What a task paused, for a wrong password for instance, goes on with the next start: it
 * is with a start that a configuration is mended. What somebody paused by hand stays so.
 */
export class PausedPools {
  readonly #afterwork: Afterwork
  readonly #file: string
  readonly #byTasks = new Map<string, PausedPool>()

  constructor(afterwork: Afterwork, data: string) {
    this.#afterwork = afterwork
    this.#file = join(data, 'paused.json')
    afterwork.on('pool.paused', ({ pool, failure }) => {
      if (failure === null) this.#byTasks.delete(pool)
      else this.#byTasks.set(pool, { pool, code: failure.code ?? null, message: expected(failure.message) })
      this.#save()
    })
    afterwork.on('pool.resumed', ({ pool }) => {
      if (this.#byTasks.delete(pool)) this.#save()
    })
  }

  get list(): PausedPool[] {
    const paused = this.#afterwork.pools().filter((pool) => pool.paused)
    return paused.map(
      ({ name }) => this.#byTasks.get(name) ?? { pool: name, code: null, message: 'paused by hand' },
    )
  }

  /** Resumes what a task paused before this start. */
  async resume(): Promise<void> {
    const paused = this.#afterwork.pools().filter((pool) => pool.paused)
    const before = readPools(this.#file)
    for (const { name } of paused) if (before.includes(name)) await this.#afterwork.resumePool(name)
    rmSync(this.#file, { force: true })
  }

  #save(): void {
    const pools = [...this.#byTasks.keys()]
    if (pools.length === 0) rmSync(this.#file, { force: true })
    else writeFileSync(this.#file, `${JSON.stringify(pools)}\n`)
  }
}

/** What a server said is for the log, not for everybody who may ask whether the service is ready. */
function expected(message: string): string {
  return message.split(', got ')[0]!
}

/** None if there is no such file, or a crash has torn it. */
function readPools(file: string): string[] {
  try {
    const pools: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return Array.isArray(pools) ? pools.filter((pool) => typeof pool === 'string') : []
  } catch {
    return []
  }
}
