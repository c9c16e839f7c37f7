import { randomUUID } from 'node:crypto'
import { AfterworkError } from '../core/errors.ts'
import { makeMark, markFile, readMark, removeMark } from './mark.ts'
import type { FileStore } from './store.ts'

/** How often it is looked whether the folder is still there, and how long a look may take, in milliseconds. */
const patience = { interval: 5_000, look: 5_000 }

/** What a shared folder works with. */
export interface SharedFolderParts {
  store: FileStore
  /** Gives what the processes agreed on first; without a value it is only asked. */
  agree: (value?: string) => Promise<string | undefined>
  /** Hears why this process goes on without files. */
  onError: (error: Error) => void
  /** How often to look, in milliseconds. */
  interval?: number
}

/**
 * Proves that the folder of stored files is the one that the other processes of the queue have: the first that stores files
 * leaves a mark in its folder, and all others look whether theirs has it, at the same path, for tasks name their files by it.
 */
export class SharedFolder {
  readonly #parts: SharedFolderParts
  /** The mark and the path, once they are known. */
  #agreed: { mark: string; path: string } | undefined
  #seen = false
  #problem: string | undefined
  #looking: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(parts: SharedFolderParts) {
    this.#parts = parts
    parts.store.guard(() => this.check())
  }

  /** Whether the files of all processes were there at the last look. */
  get seen(): boolean {
    return this.#seen
  }

  /** Looks, and from then on again and again: a folder may be mounted late, and vanish. Never throws. */
  async start(): Promise<void> {
    await this.#look()
    this.#timer = setInterval(() => void this.#look(), this.#parts.interval ?? patience.interval).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Throws AFTERWORK_FILES_NOT_SHARED unless files can be stored and read here. */
  async check(): Promise<void> {
    if (!this.#seen) await this.#look()
    if (this.#seen) return
    throw notShared(
      this.#problem ?? 'No process of this queue has stored files yet, and this one has no folder',
    )
  }

  /** One look at a time; one that hangs, as those at a network that is gone do, counts as a folder that is not there. */
  async #look(): Promise<void> {
    this.#looking ??= this.#compare()
      .then((problem) => this.#tell(problem))
      .finally(() => (this.#looking = undefined))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        // Whatever was wrong already is told once, however often a look at it takes too long.
        if (this.#problem === undefined)
          this.#tell(`The folder ${this.#parts.store.folder} did not answer within ${patience.look} ms`)
        resolve()
      }, patience.look)
    })
    await Promise.race([this.#looking, late])
    clearTimeout(timer)
  }

  #tell(problem: string | undefined): void {
    this.#seen = problem === undefined && this.#agreed !== undefined
    if (problem === this.#problem) return
    this.#problem = problem
    if (problem !== undefined) this.#parts.onError(notShared(problem))
  }

  /** What is wrong; undefined also while nobody has stored files. Never rejects. */
  async #compare(): Promise<string | undefined> {
    const { folder } = this.#parts.store
    try {
      const agreed = (this.#agreed ??= await this.#ask())
      if (agreed === undefined) return undefined
      const mark = await readMark(folder)
      if (mark !== agreed.mark) return otherFolder(folder, mark, agreed.mark)
      if (folder !== agreed.path) return otherPath(folder, agreed.path)
      return undefined
    } catch (error) {
      return `Whether the folder ${folder} is shared could not be seen: ${(error as Error).message}`
    }
  }

  async #ask(): Promise<{ mark: string; path: string } | undefined> {
    const { agree, store } = this.#parts
    const said = (await agree()) ?? (store.prepared ? await this.#propose() : undefined)
    if (said === undefined) return undefined
    const at = said.indexOf(' ')
    return { mark: said.slice(0, at), path: said.slice(at + 1) }
  }

  /** The first mark counts; one that came too late would be a lie. */
  async #propose(): Promise<string | undefined> {
    const { agree, store } = this.#parts
    const own = randomUUID()
    const mark = await makeMark(store.folder, own)
    const said = await agree(`${mark} ${store.folder}`)
    if (mark === own && said?.startsWith(`${own} `) !== true) await removeMark(store.folder)
    return said
  }
}

function otherFolder(folder: string, found: string | undefined, expected: string): string {
  const got = found === undefined ? 'one without a mark' : 'one with another mark'
  const file = markFile(folder)
  return (
    `Expected ${folder} to be the folder in which the other processes of the queue store files, got ${got}: mount that ` +
    `folder here. If it was lost, and its files with it, write ${expected} into ${file} of a new one that all share`
  )
}

function otherPath(folder: string, expected: string): string {
  return `Expected the folder of stored files at ${expected}, the path by which tasks name their files, got ${folder}: mount it there`
}

function notShared(message: string): AfterworkError {
  return new AfterworkError('AFTERWORK_FILES_NOT_SHARED', message)
}
