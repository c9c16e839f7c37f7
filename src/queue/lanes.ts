import { systemClock, type Clock } from '../core/clock.ts'
import TinyQueue from 'tinyqueue'
import type { ResolvedOptions } from '../core/options.ts'
import { batchSize } from '../core/task.ts'
import { Limits } from './limits.ts'

/** What stands in a lane: a task whose turn has come. */
export interface Waiting {
  task: { name: string; options: ResolvedOptions }
  /** Order of arrival, which decides between equal priorities. */
  sequence: number
  /** It can be taken. */
  waiting: boolean
  /** It stands in the heap, where one that cannot be taken any more stays until it comes up. */
  standing: boolean
}

/** The tasks of one name and pool that can be taken, highest priority first, then oldest first. */
export class Lane<T extends Waiting> {
  readonly pool: string
  readonly name: string
  size = 0
  #heap = new TinyQueue<T>([], byTurn)

  constructor(pool: string, name: string) {
    this.pool = pool
    this.name = name
  }

  get head(): T | undefined {
    for (let head = this.#heap.peek(); head !== undefined; head = this.#heap.peek()) {
      if (head.waiting) return head
      head.standing = false
      this.#heap.pop()
    }
    return undefined
  }

  push(item: T): void {
    if (!item.waiting) this.size++
    item.waiting = true
    if (item.standing) return
    item.standing = true
    this.#heap.push(item)
  }

  remove(item: T): void {
    if (!item.waiting) return
    item.waiting = false
    this.size--
  }

  /** Takes out all but the first `count`, which are few of many; gives those that were taken out. */
  keep(count: number): T[] {
    const all = this.#heap.data.filter(({ waiting }) => waiting).toSorted(byTurn)
    for (const item of this.#heap.data) item.standing = false
    const rest = all.splice(count)
    for (const item of rest) item.waiting = false
    for (const item of all) item.standing = true
    // What is sorted is a heap.
    this.#heap = new TinyQueue<T>(all, byTurn)
    this.size = all.length
    return rest
  }
}

/**
 * Tasks that can be taken, in lanes by pool and name: a name that its `concurrency` or `rateLimit` holds back stops its
 * own lanes and keeps nobody else waiting.
 */
export class Lanes<T extends Waiting> {
  readonly #pools = new Map<string, Map<string, Lane<T>>>()
  readonly #limits: Limits
  readonly #announce: (pool: string) => void

  /** `announce` is told of a pool in which there may be something to take that there was not. */
  constructor(announce: (pool: string) => void, clock: Clock = systemClock) {
    this.#announce = announce
    this.#limits = new Limits((name) => this.#roomFor(name), clock)
  }

  offer(item: T): void {
    this.lane(item.task.options.pool, item.task.name).push(item)
    this.#announce(item.task.options.pool)
  }

  /** The task of a pool that is next to be taken. */
  peek(pool: string): T | undefined {
    let best: T | undefined
    for (const lane of this.#pools.get(pool)?.values() ?? []) {
      const { head } = lane
      if (head === undefined || (best !== undefined && byTurn(best, head) < 0)) continue
      if (this.#limits.admits(head)) best = head
    }
    return best
  }

  /** Takes a task out, to run; it must leave(). */
  take(item: T): void {
    this.remove(item)
    this.#limits.enter(item)
  }

  /** A task that was taken runs no more; `started` is false for one that never did. */
  leave(item: T, started: boolean): void {
    this.#limits.leave(item, started)
  }

  /** A task of this name started `ago` milliseconds ago, in a process before this one. */
  remember(name: string, ago: number): void {
    this.#limits.remember(name, ago)
  }

  /** Takes a task out that will not run. */
  remove(item: T): void {
    this.lane(item.task.options.pool, item.task.name).remove(item)
  }

  lane(pool: string, name: string): Lane<T> {
    let lanes = this.#pools.get(pool)
    if (lanes === undefined) this.#pools.set(pool, (lanes = new Map()))
    let lane = lanes.get(name)
    if (lane === undefined) lanes.set(name, (lane = new Lane(pool, name)))
    return lane
  }

  clear(): void {
    this.#limits.clear()
  }

  #roomFor(name: string): void {
    for (const [pool, lanes] of this.#pools) if ((lanes.get(name)?.size ?? 0) > 0) this.#announce(pool)
  }
}

/** What is left of the slots of a claim. */
export interface Room {
  free: number
  /** Tasks with the option `batch` that may share a slot which is filled already. */
  shared: number
}

/** Takes what comes next until the room is filled: a task fills a slot, up to 64 with the option `batch` share one. */
export function fill<T extends Pick<Waiting, 'task'>>(
  room: Room,
  next: () => T | undefined,
  take: (item: T) => void,
): T[] {
  const taken: T[] = []
  while (room.free > 0 || room.shared > 0) {
    const item = next()
    if (item === undefined) break
    const { batch } = item.task.options
    if (batch && room.shared > 0) room.shared--
    else if (room.free === 0) break
    else {
      room.free--
      if (batch) room.shared = batchSize - 1
    }
    take(item)
    taken.push(item)
  }
  return taken
}

export function byTurn(a: Waiting, b: Waiting): number {
  return b.task.options.priority - a.task.options.priority || a.sequence - b.sequence
}
