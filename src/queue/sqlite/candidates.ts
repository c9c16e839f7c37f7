import { fill, Lanes, type Room } from '../lanes.ts'
import { Ahead } from './ahead.ts'
import type { Entry } from './entry.ts'
import { flag } from './sql.ts'
import { Window, type WindowHooks, type WindowSize } from './window.ts'

/** The tasks that can be claimed, in the order of their turns: the ones armed ahead, those in lanes, those on disk. */
export class Candidates {
  readonly #lanes: Lanes<Entry>
  readonly #window: Window
  readonly #ahead = new Map<string, Ahead>()

  constructor(announce: (pool: string) => void, size: WindowSize, hooks: WindowHooks) {
    this.#lanes = new Lanes<Entry>(announce)
    this.#window = new Window(this.#lanes, size, hooks)
  }

  /** A lane of which all is on disk. */
  begin(pool: string, name: string): Promise<void> {
    return this.#window.begin(pool, name)
  }

  offer(entry: Entry): void {
    this.#window.offer(entry)
  }

  /** Takes what comes next in a pool until `slots` are filled, from disk where it must. */
  take(pool: string, slots: number): Entry[] | Promise<Entry[]> {
    const room: Room = { free: slots, shared: 0 }
    const taken = this.#fill(pool, room)
    const lacking = this.#lacking(pool, room)
    return lacking === undefined ? taken : this.#takeMore(pool, room, taken, lacking)
  }

  async #takeMore(pool: string, room: Room, taken: Entry[], first: Promise<void>): Promise<Entry[]> {
    for (let lacking: Promise<void> | undefined = first; lacking !== undefined;) {
      try {
        await lacking
      } catch (error) {
        // What was taken is not lost with what cannot be read.
        if (taken.length > 0) return taken
        throw error
      }
      taken.push(...this.#fill(pool, room))
      lacking = this.#lacking(pool, room)
    }
    return taken
  }

  /** Takes what is known to come next. */
  #fill(pool: string, room: Room): Entry[] {
    return fill(
      room,
      () => this.#known(pool, this.#peek(pool)),
      (entry) => this.#take(entry),
    )
  }

  /** What to wait for before there is more to take. */
  #lacking(pool: string, { free, shared }: Room): Promise<void> | undefined {
    return free === 0 && shared === 0 ? undefined : this.#window.lacking(pool, this.#peek(pool))
  }

  /** Takes out one that can be claimed and is first of its kind. */
  takeThis(entry: Entry): void {
    this.#lanes.take(entry)
    this.#window.left(entry)
  }

  /** Takes out one that will not run. */
  remove(entry: Entry): void {
    if (entry.waiting) {
      this.#lanes.remove(entry)
      this.#window.left(entry)
    } else if (entry.ahead) {
      entry.ahead = false
      this.#aheadOf(entry.task.options.pool).remove(entry)
      this.#lanes.leave(entry, false)
    } else this.#window.forget(entry)
  }

  /** One that was taken runs no more; `started` is false for one that never did. */
  leave(entry: Entry, started: boolean): void {
    this.#lanes.leave(entry, started)
  }

  /** A task of this name started `ago` milliseconds ago, in a process before this one. */
  remember(name: string, ago: number): void {
    this.#lanes.remember(name, ago)
  }

  started(pool: string, count: number): void {
    this.#aheadOf(pool).started(count)
  }

  /** Takes out those that should be armed ahead of free slots. */
  arm(): Entry[] {
    const arming: Entry[] = []
    for (const [pool, ahead] of this.#ahead) {
      for (let room = ahead.room; room > 0; room--) {
        const entry = this.#known(pool, this.#lanes.peek(pool))
        if (entry === undefined || !canBeArmed(entry)) break
        this.takeThis(entry)
        entry.ahead = true
        ahead.push(entry)
        if (entry.armed === 'no') arming.push(entry)
      }
    }
    return arming
  }

  /** A transaction is over. */
  tick(): void {
    for (const ahead of this.#ahead.values()) ahead.tick()
  }

  clear(): void {
    this.#lanes.clear()
  }

  /** The next task, if it is known to be that. */
  #known(pool: string, next: Entry | undefined): Entry | undefined {
    return this.#window.lacking(pool, next) === undefined ? next : undefined
  }

  #peek(pool: string): Entry | undefined {
    const waiting = this.#lanes.peek(pool)
    const ahead = this.#ahead.get(pool)
    return ahead?.isBefore(waiting) === true ? ahead.head : waiting
  }

  #take(entry: Entry): void {
    if (entry.ahead) {
      entry.ahead = false
      this.#aheadOf(entry.task.options.pool).shift()
    } else this.takeThis(entry)
  }

  #aheadOf(pool: string): Ahead {
    let ahead = this.#ahead.get(pool)
    if (ahead === undefined) this.#ahead.set(pool, (ahead = new Ahead()))
    return ahead
  }
}

/** One that has a limit may have to wait when its turn comes; of the others it must be known that they did not run. */
function canBeArmed({ task: { options }, flags, careful, suspect }: Entry): boolean {
  return (
    options.concurrency === null &&
    options.rateLimit === null &&
    (flags & flag.atMostOnce) === 0 &&
    !careful &&
    !suspect
  )
}
