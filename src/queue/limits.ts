import TinyQueue from 'tinyqueue'
import type { NewTask } from '../core/task.ts'
import { Alarm } from './alarm.ts'

/** What a limit holds back: a task, of whose name only so many may run or start. */
interface Limited {
  task: NewTask
  /** Held back; one that was withdrawn stays in its heap until it comes up. */
  parked: boolean
}

interface Start<T> {
  item: T
  at: number
}

/** The tasks of one name. */
interface Named<T> {
  running: number
  /** The last starts, oldest first, within the window of the rate limit. */
  starts: Start<T>[]
  /** Those held back, by pool: one pool may have no room when another has. */
  parked: Map<string, TinyQueue<T>>
  /** The alarm is set for when the window moves on. */
  armed: boolean
}

/**
 * Holds tasks to the `concurrency` and `rateLimit` of their names; those held back keep nobody else waiting.
 * As many as may start are always offered, the first of each pool; what becomes of them is claim()'s business.
 */
export class Limits<T extends Limited> {
  readonly #byTurn: (a: T, b: T) => number
  readonly #offer: (item: T) => void
  readonly #names = new Map<string, Named<T>>()
  readonly #alarm = new Alarm<Named<T>>((due) => due.forEach((named) => this.#ring(named)))

  /** `offer` gets a task back once its limits may admit it. */
  constructor(byTurn: (a: T, b: T) => number, offer: (item: T) => void) {
    this.#byTurn = byTurn
    this.#offer = offer
  }

  /** Whether a task may start now; if not it is kept until it may. One that was admitted must leave(). */
  admit(item: T, now: number): boolean {
    const named = this.#named(item)
    if (named === undefined) return true
    const { concurrency, rateLimit } = item.task.options
    // Others may have been let go by the clock that come before this one.
    if (this.#moveOn(named, now) > 0) {
      this.#offer(item)
      return false
    }
    const full =
      (concurrency !== null && named.running >= concurrency) ||
      (rateLimit !== null && named.starts.length >= rateLimit.max)
    if (full) this.#park(named, item)
    else {
      named.running++
      if (rateLimit !== null) named.starts.push({ item, at: now })
    }
    this.#arm(named)
    return !full
  }

  /** An admitted task runs no more; `started` is false for one that was given back before it had. */
  leave(item: T, started: boolean): void {
    const named = this.#named(item)
    if (named === undefined) return
    named.running--
    if (!started) {
      const last = named.starts.findLastIndex((start) => start.item === item)
      if (last >= 0) named.starts.splice(last, 1)
    }
    this.#unpark(named, 1)
  }

  /** A task that was not admitted will not start; if its turn had come it is the next one's. */
  withdraw(item: T): void {
    const named = this.#named(item)
    if (named === undefined) return
    if (item.parked) item.parked = false
    else this.#unpark(named, 1)
  }

  clear(): void {
    this.#alarm.clear()
  }

  /** Undefined for a task without limits. */
  #named({ task: { name, options } }: T): Named<T> | undefined {
    if (options.concurrency === null && options.rateLimit === null) return undefined
    let named = this.#names.get(name)
    if (named === undefined) {
      named = { running: 0, starts: [], parked: new Map(), armed: false }
      this.#names.set(name, named)
    }
    return named
  }

  #park(named: Named<T>, item: T): void {
    const { pool } = item.task.options
    let parked = named.parked.get(pool)
    if (parked === undefined) named.parked.set(pool, (parked = new TinyQueue<T>([], this.#byTurn)))
    parked.push(item)
    item.parked = true
  }

  /** Offers the first `most` of each pool; gives how many. */
  #unpark(named: Named<T>, most: number): number {
    let offered = 0
    for (const parked of named.parked.values()) {
      for (let left = most; left > 0 && parked.length > 0;) {
        const item = parked.pop()!
        if (!item.parked) continue
        item.parked = false
        left--
        offered++
        this.#offer(item)
      }
    }
    return offered
  }

  /** Forgets the starts that have left the window; gives how many tasks were offered in their place. */
  #moveOn(named: Named<T>, now: number): number {
    let left = 0
    while (left < named.starts.length && leaves(named.starts[left]!) <= now) left++
    if (left === 0) return 0
    named.starts.splice(0, left)
    return this.#unpark(named, left)
  }

  #ring(named: Named<T>): void {
    named.armed = false
    this.#moveOn(named, Date.now())
    this.#arm(named)
  }

  #arm(named: Named<T>): void {
    const [oldest] = named.starts
    if (named.armed || oldest === undefined) return
    if (Array.from(named.parked.values()).every(({ length }) => length === 0)) return
    named.armed = true
    this.#alarm.set(named, leaves(oldest))
  }
}

/** When a start leaves the window of its rate limit. */
function leaves({ item, at }: Start<Limited>): number {
  return at + item.task.options.rateLimit!.per
}
