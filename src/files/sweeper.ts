import { storedFilesIn } from '../core/stored-file.ts'
import type { FileStore } from './store.ts'
import { sweep, type FileUsage, type SweepLimits } from './sweep.ts'

/** How often stored files that nothing needs are removed, in milliseconds. */
const interval = 3_600_000

/** What a sweeper works with. */
export interface SweeperParts {
  store: FileStore
  usageOf: (id: string) => Promise<FileUsage | undefined>
  limits: SweepLimits
  /** Hears what went wrong; the next sweep tries again. */
  onError: (error: Error) => void
}

/** Sweeps the stored files at start and hourly, one sweep at a time, until it is stopped. */
export class Sweeper {
  readonly #parts: SweeperParts
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #sweeping: Promise<void> | undefined

  constructor(parts: SweeperParts) {
    this.#parts = parts
  }

  start(): void {
    this.#timer = setInterval(() => this.#begin(), interval).unref()
    this.#begin()
  }

  /** Resolves once no sweep asks for the tasks any more: without a queue every file would look unneeded. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    await this.#sweeping
  }

  /** Removes the files among the arguments of a task that is forgotten, unless others name them. */
  async forget(args: readonly unknown[]): Promise<void> {
    const { store, usageOf } = this.#parts
    if (!store.prepared || !(await isOurs(store))) return
    for (const { id } of storedFilesIn(args)) {
      if (!store.isOpen(id) && (await usageOf(id)) === undefined) await store.removeWhole(id)
    }
  }

  #begin(): void {
    this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = undefined))
  }

  async #sweep(): Promise<void> {
    const { store, usageOf, limits, onError } = this.#parts
    if (!store.prepared || !(await isOurs(store))) return
    try {
      await sweep(store, usageOf, limits, { signal: this.#stopping.signal })
    } catch (error) {
      onError(error as Error)
    }
  }
}

/** A folder that is not the one that the tasks know of is nobody's to sweep, and that it is not was told already. */
function isOurs(store: FileStore): Promise<boolean> {
  return store.check().then(
    () => true,
    () => false,
  )
}
