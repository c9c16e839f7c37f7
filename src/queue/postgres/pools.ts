import { checkKeys } from '../../core/check.ts'
import type { Failure } from '../../core/failure.ts'
import { sizesWith, type Resizing } from '../../core/pool.ts'
import type { Subscriber } from '../queue.ts'

/** What operators have set for a pool. */
export interface PoolRow {
  pool: string
  paused: boolean
  /** JSON of why a task paused it. */
  failure: string | null
  /** JSON. */
  sizes: string | null
}

/** What is told of a pool that may give tasks, and of one that gives none any more. */
interface Hooks {
  opened(pool: string): void
  closed(pool: string): void
}

/** Pools as operators have set them for all processes, whichever process they asked. */
export class SetPools {
  readonly paused = new Set<string>()
  readonly sizes = new Map<string, Resizing>()
  /** Those of the paused ones that a task paused. */
  readonly #byTasks = new Set<string>()
  /** What was last seen of the sizes, by pool. */
  readonly #seen = new Map<string, string>()
  readonly #subscribers: readonly Subscriber[]
  readonly #hooks: Hooks
  /** What was set before this process was there is no news. */
  #told = false

  constructor(subscribers: readonly Subscriber[], hooks: Hooks) {
    this.#subscribers = subscribers
    this.#hooks = hooks
  }

  /** This process pauses it, for a task or by hand. */
  pause(pool: string, byTask: boolean): void {
    this.paused.add(pool)
    if (byTask) this.#byTasks.add(pool)
    else this.#byTasks.delete(pool)
    this.#hooks.closed(pool)
  }

  /** This process resumes it. */
  resume(pool: string): void {
    if (this.paused.delete(pool)) this.#hooks.opened(pool)
  }

  /** This process has set its sizes; `text` is all that is set by now. */
  resized(pool: string, text: string): void {
    this.#seen.set(pool, text)
    this.sizes.set(pool, sizesOf(text))
  }

  /** How the pools are set by now: what is new is another process's doing. */
  see(rows: readonly PoolRow[]): void {
    for (const row of rows) {
      this.#seePaused(row)
      this.#seeSizes(row)
    }
    this.#told = true
  }

  #seePaused({ pool, paused, failure }: PoolRow): void {
    // Somebody may have paused by hand what a task had paused.
    const byHand = failure === null && this.#byTasks.has(pool)
    if (paused === this.paused.has(pool) && !(paused && byHand)) return
    if (paused) this.pause(pool, failure !== null)
    else this.resume(pool)
    this.#tell((subscriber) => {
      if (paused) subscriber.paused?.(pool, failure === null ? null : (JSON.parse(failure) as Failure))
      else subscriber.resumed?.(pool)
    })
  }

  #seeSizes({ pool, sizes: text }: PoolRow): void {
    if (text === null || text === this.#seen.get(pool)) return
    this.resized(pool, text)
    this.#tell((subscriber) => subscriber.resized?.(pool, this.sizes.get(pool)!))
  }

  #tell(of: (subscriber: Subscriber) => void): void {
    if (this.#told) for (const subscriber of this.#subscribers) of(subscriber)
  }
}

/** What somebody has put there by hand, and makes no sense, is passed over. */
function sizesOf(text: string): Resizing {
  const any = { minThreads: 0, maxThreads: Infinity, concurrency: 1, nice: 0, env: {} }
  try {
    const sizes = checkKeys(
      JSON.parse(text),
      ['minThreads', 'maxThreads', 'concurrency'],
      'sizes',
    ) as Resizing
    sizesWith(any, sizes, 'sizes')
    return sizes
  } catch {
    return {}
  }
}
