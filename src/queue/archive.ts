import TinyQueue from 'tinyqueue'
import type { NewTask } from '../core/task.ts'
import type { Retention } from './queue.ts'

/** What an archive keeps: a task, by whose id and files it is found. */
interface Archived {
  task: NewTask
}

/** When an ended task is to be forgotten. */
interface Expiring<T> {
  entry: T
  at: number
}

/** Remembers the tasks of the memory engine newest first, by the files they name, and for how long. */
export class Archive<T extends Archived> {
  readonly #retention: Retention
  readonly #onForget: (entry: T) => void
  /** In order of id; forgotten ones leave holes until the next compaction. */
  #byId: (T | null)[] = []
  readonly #ids: string[] = []
  #holes = 0
  /** When each ended task is to be forgotten, in the order in which they ended. */
  readonly #ended = new Map<T, number>()
  /** The same by time; what was forgotten or revived meanwhile stays until it comes up or the next compaction. */
  #expiring = new TinyQueue<Expiring<T>>([], byTime)
  readonly #byFile = new Map<string, Set<T>>()

  constructor(retention: Retention, onForget: (entry: T) => void) {
    this.#retention = retention
    this.#onForget = onForget
  }

  add(entry: T): void {
    const at = this.#position(entry.task.id)
    this.#ids.splice(at, 0, entry.task.id)
    this.#byId.splice(at, 0, entry)
    for (const { id } of entry.task.files) {
      const naming = this.#byFile.get(id)
      if (naming === undefined) this.#byFile.set(id, new Set([entry]))
      else naming.add(entry)
    }
  }

  /** Notes that a task ended, and forgets those that ended too long ago or are too many. */
  ended(entry: T, at: number): void {
    const expiresAt = at + entry.task.options.keepResult
    this.#ended.set(entry, expiresAt)
    this.#expiring.push({ entry, at: expiresAt })
    for (let next = this.#expiring.peek(); next !== undefined && next.at < at; next = this.#expiring.peek()) {
      this.#expiring.pop()
      if (this.#ended.get(next.entry) === next.at) this.forget(next.entry)
    }
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= this.#retention.tasks) break
      this.forget(oldest)
    }
    if (this.#expiring.length > 1_000 + 2 * this.#ended.size) {
      this.#expiring = new TinyQueue(
        Array.from(this.#ended, ([kept, expires]) => ({ entry: kept, at: expires })),
        byTime,
      )
    }
  }

  /** An ended task goes on. */
  revived(entry: T): void {
    this.#ended.delete(entry)
  }

  /** Up to `limit` tasks older than the id `cursor`, newest first. */
  newest(cursor: string | undefined, limit: number, matches: (entry: T) => boolean): T[] {
    const found: T[] = []
    let at = cursor === undefined ? this.#byId.length : this.#position(cursor)
    while (--at >= 0 && found.length < limit) {
      const entry = this.#byId[at]
      if (entry && matches(entry)) found.push(entry)
    }
    return found
  }

  namingFile(id: string): T[] {
    return [...(this.#byFile.get(id) ?? [])]
  }

  /** Where an id stands or would stand; searched from the end, for nearly every id is newer than the rest. */
  #position(id: string): number {
    let high = this.#ids.length
    if (high === 0 || this.#ids[high - 1]! < id) return high
    let low = 0
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#ids[middle]! < id) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Forgets a task, and tells of it. */
  forget(entry: T): void {
    this.#ended.delete(entry)
    for (const { id } of entry.task.files) {
      const naming = this.#byFile.get(id)
      naming?.delete(entry)
      if (naming?.size === 0) this.#byFile.delete(id)
    }
    this.#byId[this.#position(entry.task.id)] = null
    if (++this.#holes > 1_000 && this.#holes > this.#byId.length / 2) this.#compact()
    this.#onForget(entry)
  }

  #compact(): void {
    this.#byId = this.#byId.filter((entry) => entry !== null)
    this.#ids.length = 0
    for (const entry of this.#byId) this.#ids.push(entry!.task.id)
    this.#holes = 0
  }
}

function byTime(a: Expiring<unknown>, b: Expiring<unknown>): number {
  return a.at - b.at
}
