import type { Clock } from '../core/clock.ts'
import type { ResolvedOptions } from '../core/options.ts'
import { Alarm } from './alarm.ts'

/** Limits of tasks, by their names. */
export type TaskLimits = Readonly<
  Record<string, Partial<Pick<ResolvedOptions, 'concurrency' | 'rateLimit'>> | undefined>
>

/** A task with the limits that are set for its name, which win over those it was added with. */
export function withLimits<T extends { name: string; options: ResolvedOptions }>(
  task: T,
  limits: TaskLimits = {},
): T {
  const own = limits[task.name]
  return own === undefined ? task : { ...task, options: { ...task.options, ...own } }
}

/** What a limit counts: a task that was taken to run. */
interface Limited {
  task: { name: string; options: Pick<ResolvedOptions, 'concurrency' | 'rateLimit'> }
}

interface Start {
  /** Null for one of a process before this one. */
  item: Limited | null
  at: number
}

/** The tasks of one name. */
interface Named {
  name: string
  running: number
  /** The last starts, oldest first, within the window of the rate limit. */
  starts: Start[]
  /** The alarm is set for when the window moves on. */
  armed: boolean
}

/** Counts the tasks that are held to the `concurrency` and `rateLimit` of their names. */
export class Limits {
  readonly #onRoom: (name: string) => void
  readonly #names = new Map<string, Named>()
  /** Of a clock that nobody sets: a wall clock that jumps would stretch the windows. */
  readonly #now: () => number
  readonly #alarm: Alarm<Named>

  /** `onRoom` is told of a name that was full, or whose window has moved on. */
  constructor(onRoom: (name: string) => void, { monotonic, after }: Clock) {
    this.#onRoom = onRoom
    this.#now = monotonic
    this.#alarm = new Alarm<Named>((due) => due.forEach((named) => this.#ring(named)), monotonic, after)
  }

  /** Whether a task may be taken now; of a name that is full `onRoom` is told when there is room again. */
  admits({ task: { name, options } }: Limited): boolean {
    const { concurrency, rateLimit } = options
    if (concurrency === null && rateLimit === null) return true
    const named = this.#named(name)
    if (concurrency !== null && named.running >= concurrency) return false
    if (rateLimit === null) return true
    this.#moveOn(named, rateLimit.per)
    if (named.starts.length < rateLimit.max) return true
    this.#arm(named, rateLimit.per)
    return false
  }

  /** A task of this name started `ago` milliseconds before this process counted. */
  remember(name: string, ago: number): void {
    this.#named(name).starts.push({ item: null, at: this.#now() - Math.max(ago, 0) })
  }

  /** A task was taken; it must leave(). */
  enter(item: Limited): void {
    const { name, options } = item.task
    if (options.concurrency === null && options.rateLimit === null) return
    const named = this.#named(name)
    named.running++
    if (options.rateLimit !== null) named.starts.push({ item, at: this.#now() })
  }

  /** A task that was taken runs no more; `started` is false for one that was given back before it had. */
  leave(item: Limited, started: boolean): void {
    const { name, options } = item.task
    if (options.concurrency === null && options.rateLimit === null) return
    const named = this.#named(name)
    named.running--
    if (!started) {
      const last = named.starts.findLastIndex((start) => start.item === item)
      if (last >= 0) named.starts.splice(last, 1)
    }
    this.#onRoom(name)
  }

  clear(): void {
    this.#alarm.clear()
  }

  #named(name: string): Named {
    let named = this.#names.get(name)
    if (named === undefined) this.#names.set(name, (named = { name, running: 0, starts: [], armed: false }))
    return named
  }

  /** Forgets the starts that have left the window. */
  #moveOn(named: Named, per: number): void {
    const over = this.#now() - per
    let left = 0
    while (left < named.starts.length && named.starts[left]!.at <= over) left++
    if (left > 0) named.starts.splice(0, left)
  }

  #ring(named: Named): void {
    named.armed = false
    this.#onRoom(named.name)
  }

  #arm(named: Named, per: number): void {
    if (named.armed) return
    named.armed = true
    this.#alarm.set(named, named.starts[0]!.at + per)
  }
}
