import { AfterworkError } from '../core/errors.ts'

/** A file and its bytes, as a listing of the folder found it. */
export interface CountedFile {
  id: string
  /** Of the file and its variants. */
  bytes: number
}

/**
 * How many bytes the stored files take: a running figure, changed by whoever writes or removes, and put right by each
 * listing of the folder. It also knows the files of requests that are under way, which nobody may remove yet.
 */
export class DiskUsage {
  /** Bytes that uploads may bring it to. */
  readonly max: number
  #used = 0
  /** Files of requests under way, with their bytes. */
  readonly #open = new Map<string, number>()
  /** For each listing under way the files that began since, or were open: what is known of them here is the truth. */
  readonly #listings = new Set<Map<string, number>>()

  constructor(max = Infinity) {
    this.max = max
  }

  get used(): number {
    return this.#used
  }

  /** A request begins to bring a file. */
  begin(id: string): void {
    this.#open.set(id, 0)
    for (const known of this.#listings) known.set(id, 0)
  }

  /** The request of a file is over. */
  end(id: string): void {
    this.#open.delete(id)
  }

  isOpen(id: string): boolean {
    return this.#open.has(id)
  }

  /** Room for bytes that are about to be written; throws AFTERWORK_DISK_FULL when there is none. */
  take(id: string, bytes: number): void {
    if (this.#used + bytes > this.max) {
      throw new AfterworkError(
        'AFTERWORK_DISK_FULL',
        `The stored files may take ${this.max} bytes, which leaves no room for this one; nothing of it was kept`,
      )
    }
    this.change(id, bytes)
  }

  /** Bytes that were written (more) or removed (less). */
  change(id: string, bytes: number): void {
    this.#used += bytes
    for (const known of [this.#open, ...this.#listings]) {
      const before = known.get(id)
      if (before !== undefined) known.set(id, before + bytes)
    }
  }

  /** A listing of the folder begins; what it gives is called with all that was found, or nothing if it failed. */
  listing(): (found?: Iterable<CountedFile>) => void {
    const known = new Map(this.#open)
    this.#listings.add(known)
    return (found) => {
      this.#listings.delete(known)
      if (found === undefined) return
      let bytes = 0
      for (const file of found) if (!known.has(file.id)) bytes += file.bytes
      for (const size of known.values()) bytes += size
      this.#used = bytes
    }
  }
}
