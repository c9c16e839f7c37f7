import { accessSync, constants, mkdirSync, type ReadStream } from 'node:fs'
import { open, readdir, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isId, newId } from '../core/id.ts'

/** A file of the store, open for reading. */
export interface OpenFile {
  stream: ReadStream
  /** Bytes. */
  size: number
}

/** A file of the store with its variants. */
export interface FolderEntry {
  id: string
  /** In the folder. */
  names: string[]
  /** When the newest of them was last written, in milliseconds since 1970. */
  writtenAt: number
}

/**
 * The folder of stored files: each is named by its id, its variants (thumbnails) by the id, a dot and their own name.
 * Names from clients never become paths.
 */
export class FileStore {
  /** Absolute. */
  readonly folder: string
  #prepared = false

  constructor(folder: string) {
    this.folder = resolve(folder)
  }

  /** Makes the folder; throws the system's error when it cannot be made or written to. */
  prepare(): void {
    mkdirSync(this.folder, { recursive: true })
    accessSync(this.folder, constants.R_OK | constants.W_OK | constants.X_OK)
    this.#prepared = true
  }

  /** Whether prepare() was called: before that there may be no folder. */
  get prepared(): boolean {
    return this.#prepared
  }

  /** An id for a new file, which is also its name in the folder. */
  newId(): string {
    return newId()
  }

  pathOf(id: string): string {
    return join(this.folder, id)
  }

  /** The file or one of its variants, or undefined if there is none of that name. */
  async open(id: string, variant?: string): Promise<OpenFile | undefined> {
    if (!isId(id) || (variant !== undefined && !isVariant(variant))) return undefined
    try {
      const handle = await open(variant === undefined ? this.pathOf(id) : `${this.pathOf(id)}.${variant}`)
      const { size } = await handle.stat()
      return { stream: handle.createReadStream(), size }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /** Makes sure that new names in the folder survive a loss of power. */
  async sync(): Promise<void> {
    const handle = await open(this.folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  /** Removes files by their names in the folder; one that is gone already is no error. */
  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) await rm(join(this.folder, name), { force: true })
  }

  /** Every file with its variants. */
  async list(): Promise<FolderEntry[]> {
    const entries = new Map<string, FolderEntry>()
    for (const name of await readdir(this.folder)) {
      const id = name.slice(0, 36)
      if (!isId(id)) continue
      const written = await stat(join(this.folder, name)).catch(() => undefined)
      if (written === undefined) continue
      const entry = entries.get(id) ?? { id, names: [], writtenAt: 0 }
      entry.names.push(name)
      entry.writtenAt = Math.max(entry.writtenAt, written.mtimeMs)
      entries.set(id, entry)
    }
    return [...entries.values()]
  }
}

function isVariant(name: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,63}\.[a-z0-9]{1,8}$/.test(name)
}
