import TinyQueue from 'tinyqueue'
import type { NewTask } from '../core/task.ts'
import { Alarm } from './alarm.ts'

/** What a limit holds back: a task, of whose name only so many may run or start. */
interface Limited {
  task: NewTask
}

/** The tasks of one name. */
interface Named<T> {
  running: number
  /** When the last ones started, oldest first, within the window of the rate limit. */
  starts: number[]
  parked: TinyQueue<T>
}

/** Holds tasks to the `concurrency` and `rateLimit` of their names; those held back keep nobody else waiting. */
export class Limits<T extends Limited> {
  readonly #byTurn: (a: T, b: T) => number
  readonly #offer: (item: T) => void
  readonly #names = new Map<string, Named<T>>()
  readonly #alarm = new Alarm<string>((due) => due.forEach((name) => this.#unpark(name, Infinity)))

  /** `offer` gets a task back once its limits may admit it. */
  constructor(byTurn: (a: T, b: T) => number, offer: (item: T) => void) {
    this.#byTurn = byTurn
    this.#offer = offer
  }

  /** Whether a task may start now; if not it is kept until it may. One that was admitted must leave(). */
  admit(item: T, now: number): boolean {
    const { concurrency, rateLimit } = item.task.options
    if (concurrency === null && rateLimit === null) return true
    const named = this.#named(item.task.name)
    if (concurrency !== null && named.running >= concurrency) return this.#park(named, item)
    if (rateLimit !== null) {
      while (named.starts.length > 0 && named.starts[0]! <= now - rateLimit.per) named.starts.shift()
      if (named.starts.length >= rateLimit.max) {
        this.#alarm.set(item.task.name, named.starts[0]! + rateLimit.per)
        return this.#park(named, item)
      }
      named.starts.push(now)
    }
    named.running++
    return true
  }

  /** An admitted task runs no more; `started` is false for one that was given back before it had. */
  leave(item: T, started: boolean): void {
    const named = this.#names.get(item.task.name)
    if (named === undefined) return
    named.running--
    if (!started) named.starts.pop()
    this.#unpark(item.task.name, 1)
  }

  clear(): void {
    this.#alarm.clear()
  }

  #named(name: string): Named<T> {
    let named = this.#names.get(name)
    if (named === undefined) {
      named = { running: 0, starts: [], parked: new TinyQueue<T>([], this.#byTurn) }
      this.#names.set(name, named)
    }
    return named
  }

  #park(named: Named<T>, item: T): false {
    named.parked.push(item)
    return false
  }

  #unpark(name: string, most: number): void {
    const named = this.#names.get(name)
    if (named === undefined) return
    for (let count = Math.min(most, named.parked.length); count > 0; count--) this.#offer(named.parked.pop()!)
  }
}
