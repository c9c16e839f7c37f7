import type { Lane, Lanes } from '../lanes.ts'
import type { Entry } from './entry.ts'

/** How much of a lane is in memory. */
export interface WindowSize {
  tasks: number
  /** Of their arguments. */
  bytes: number
}

/** A turn in a lane. */
type Turn = Pick<Entry, 'sequence'> & { rank: number }

interface Part {
  lane: Lane<Entry>
  /** The last turn that is in memory for sure; null when all are. Those after it are on disk only. */
  end: Turn | null
  bytes: number
  /** How many stay in memory wherever their turn is: they are remembered there only. */
  careful: number
  refilling: Promise<void> | null
  /** What came while the store was asked for more, and may belong to what it gives. */
  aside: Entry[]
}

/** What the disk had after a turn. */
export interface Refill {
  entries: Entry[]
  /** There may be more after them. */
  more: boolean
}

export interface WindowHooks {
  refill(lane: Lane<Entry>, after: Turn, limit: number, stored: (result: Refill) => void): Promise<unknown>
  /** A task of the disk is in memory from now on; false if it was anyway. */
  enter(entry: Entry): boolean
  /** A task that waits on disk only from now on. */
  leave(entry: Entry): void
}

/** Keeps the first tasks of every lane in memory, and the rest on disk. */
export class Window {
  readonly #lanes: Lanes<Entry>
  readonly #size: WindowSize
  readonly #hooks: WindowHooks
  readonly #parts = new Map<string, Map<string, Part>>()

  constructor(lanes: Lanes<Entry>, size: WindowSize, hooks: WindowHooks) {
    this.#lanes = lanes
    this.#size = size
    this.#hooks = hooks
  }

  /** Reads a lane from its beginning, whatever of it is in memory. */
  async begin(pool: string, name: string): Promise<void> {
    const part = this.#part(pool, name)
    // It would end elsewhere.
    await part.refilling?.catch(ignore)
    this.#spill(part, part.lane.keep(0))
    part.end = { rank: Number.MIN_SAFE_INTEGER, sequence: 0 }
    await this.#refill(part)
  }

  /** A task can be taken: it waits in memory if its turn is near. */
  offer(entry: Entry): void {
    const part = this.#part(entry.task.options.pool, entry.task.name)
    if (part.end === null || !isAfter(entry, part.end) || entry.careful) this.#keep(part, entry)
    else if (part.refilling !== null) part.aside.push(entry)
    else this.#hooks.leave(entry)
  }

  /** A task was taken out of its lane. */
  left(entry: Entry): void {
    const part = this.#part(entry.task.options.pool, entry.task.name)
    part.bytes -= entry.bytes
    if (entry.careful) part.careful--
    if (part.end !== null && part.lane.size < this.#size.tasks / 2) this.#refill(part).catch(ignore)
  }

  /** One that was offered while its lane was read will not run. */
  forget(entry: Entry): void {
    const { aside } = this.#part(entry.task.options.pool, entry.task.name)
    const at = aside.indexOf(entry)
    if (at >= 0) aside.splice(at, 1)
  }

  /**
   * What to wait for before it is known that `next` is the next task of a pool, which rejects if that cannot be read;
   * undefined when it is known.
   */
  lacking(pool: string, next: Entry | undefined): Promise<void> | undefined {
    for (const part of this.#parts.get(pool)?.values() ?? []) {
      if (part.end === null || part.lane.size > 0) continue
      if (next === undefined || isAfter(next, part.end)) return this.#refill(part)
    }
    return undefined
  }

  #keep(part: Part, entry: Entry): void {
    this.#offer(part, entry)
    const { tasks, bytes } = this.#size
    const many = part.lane.size - part.careful
    if (part.refilling !== null || many < 2) return
    if (many > 2 * tasks || part.bytes > 2 * bytes) this.#shorten(part)
  }

  #offer(part: Part, entry: Entry): void {
    if (!entry.waiting) {
      part.bytes += entry.bytes
      if (entry.careful) part.careful++
    }
    this.#lanes.offer(entry)
  }

  /** Half of what is in memory leaves it. */
  #shorten(part: Part): void {
    const { lane } = part
    const rest = lane.keep(Math.min(this.#size.tasks, Math.ceil(lane.size / 2)))
    const [first] = rest
    if (first === undefined) return
    part.end = { rank: rankOf(first), sequence: first.sequence - 1 }
    this.#spill(part, rest)
  }

  /** What was taken out of its lane leaves memory. */
  #spill(part: Part, rest: readonly Entry[]): void {
    for (const entry of rest) {
      part.bytes -= entry.bytes
      if (!entry.careful) this.#hooks.leave(entry)
      else {
        part.careful--
        this.#offer(part, entry)
      }
    }
  }

  #refill(part: Part): Promise<void> {
    part.refilling ??= this.#ask(part)
    return part.refilling
  }

  async #ask(part: Part): Promise<void> {
    try {
      // What leaves it half empty: a whole one would hold up the store for twice as long.
      const limit = Math.ceil(this.#size.tasks / 2)
      await this.#hooks.refill(part.lane, part.end!, limit, (result) => this.#filled(part, result))
    } catch (error) {
      this.#takeAside(part)
      throw error
    }
  }

  #filled(part: Part, { entries, more }: Refill): void {
    const last = entries.at(-1)
    if (!more) part.end = null
    else if (last !== undefined) part.end = { rank: rankOf(last), sequence: last.sequence }
    for (const entry of entries) if (this.#hooks.enter(entry)) this.#keep(part, entry)
    this.#takeAside(part)
  }

  #takeAside(part: Part): void {
    part.refilling = null
    for (const entry of part.aside.splice(0)) this.offer(entry)
  }

  #part(pool: string, name: string): Part {
    let parts = this.#parts.get(pool)
    if (parts === undefined) this.#parts.set(pool, (parts = new Map()))
    let part = parts.get(name)
    if (part === undefined) {
      part = {
        lane: this.#lanes.lane(pool, name),
        end: null,
        bytes: 0,
        careful: 0,
        refilling: null,
        aside: [],
      }
      parts.set(name, part)
    }
    return part
  }
}

function rankOf({ task }: Entry): number {
  return -task.options.priority
}

function isAfter(entry: Entry, { rank, sequence }: Turn): boolean {
  const own = rankOf(entry)
  return own > rank || (own === rank && entry.sequence > sequence)
}

/** It was reported where it failed, and is asked again when the next task is taken or asked for. */
function ignore(): void {}
