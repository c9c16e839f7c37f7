import { syncFolder } from './variant.ts'

/**
 * Syncs of one folder, shared by those who ask for one at about the same time: a sync that goes on may have passed
 * over a name that is newer, but the one after it holds the names of all who asked meanwhile.
 */
export class FolderSync {
  readonly #folder: string
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Resolves when a sync has ended that began after this call; whoever shares one that fails gets its error. */
  sync(): Promise<void> {
    if (this.#running === undefined) return this.#begin()
    const begin = (): Promise<void> => this.#begin()
    this.#next ??= this.#running.then(begin, begin)
    return this.#next
  }

  #begin(): Promise<void> {
    this.#next = undefined
    const running = syncFolder(this.#folder).finally(() => {
      if (this.#next === undefined) this.#running = undefined
    })
    this.#running = running
    return running
  }
}
