import { accessSync, constants, type ReadStream } from 'node:fs'
import { open, opendir, readdir, rm, stat, unlink, type FileHandle } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import type { BroadcastChannel } from 'node:worker_threads'
import { AfterworkError } from '../core/errors.ts'
import { isId, newId } from '../core/id.ts'
import { batches } from './batches.ts'
import { FolderSync } from './folder-sync.ts'
import { makeFolder } from './folder.ts'
import { DiskUsage } from './usage.ts'
import { isVariantName, newsOf, temporary, type VariantNews } from './variant.ts'

/** A file of the store, open for reading. */
export interface OpenFile {
  stream: ReadStream
  /** Bytes. */
  size: number
  /** When it was last written, in milliseconds since 1970: a variant may be made anew. */
  writtenAt: number
}

/** A file of the store with its variants. */
export interface FolderEntry {
  id: string
  /** In the folder. */
  names: string[]
  /** Those of them that are not whole: being written, or left by a kill. */
  unfinished: { name: string; writtenAt: number }[]
  /** When the newest of them was last written, in milliseconds since 1970. */
  writtenAt: number
  /** Of all of them. */
  bytes: number
}

/** How the system says that a disk is full. */
const fullCodes = ['ENOSPC', 'EDQUOT']

/**
 * The folder of stored files: each is named by its id, its variants (thumbnails) by the id, a dot and their own name.
 * Names from clients never become paths.
 */
export class FileStore {
  /** Absolute. */
  readonly folder: string
  readonly #usage: DiskUsage
  readonly #folderSync: FolderSync
  #guard: () => Promise<void> = async () => {}
  #prepared = false
  #measured: Promise<unknown> | undefined
  #news: BroadcastChannel | undefined

  /** @param maxBytes what uploads may fill the folder to, variants included; default: no bound. */
  constructor(folder: string, maxBytes?: number) {
    this.folder = resolve(folder)
    this.#usage = new DiskUsage(maxBytes)
    this.#folderSync = new FolderSync(this.folder)
  }

  /** Makes the folder; throws the system's error when it cannot be made or written to. */
  prepare(): void {
    makeFolder(this.folder)
    accessSync(this.folder, constants.R_OK | constants.W_OK | constants.X_OK)
    this.#prepared = true
    if (this.#news !== undefined || !this.#isBounded) return
    this.#news = newsOf(this.folder)
    this.#news.onmessage = (event: { data: VariantNews }) =>
      this.#usage.change(event.data.id, event.data.bytes)
    this.#news.unref()
  }

  /** Whether prepare() was called: before that there may be no folder. */
  get prepared(): boolean {
    return this.#prepared
  }

  /** Has `guard` asked before a file is stored or read: it throws where the folder is not the one that others share. */
  guard(guard: () => Promise<void>): void {
    this.#guard = guard
  }

  /** Throws AFTERWORK_FILES_NOT_SHARED unless files can be stored and read. */
  check(): Promise<void> {
    return this.#guard()
  }

  /** Bytes that uploads may still bring, as far as it is known; Infinity without a bound. */
  get room(): number {
    return Math.max(0, this.#usage.max - this.#usage.used)
  }

  /** An id for a new file, which is also its name in the folder. */
  newId(): string {
    return newId()
  }

  pathOf(id: string): string {
    return join(this.folder, id)
  }

  /**
   * Writes a new file, which is on disk when this resolves; its name is once sync() resolves. The sweep leaves it alone
   * until release(). Gives its bytes.
   * @throws AFTERWORK_DISK_FULL, AFTERWORK_FILES_NOT_SHARED, or the error of the source or the system; nothing of the file is left then
   */
  async receive(id: string, source: Readable): Promise<number> {
    let size = 0
    this.#usage.begin(id)
    try {
      await this.#guard()
      await this.#measure()
      await this.#write(this.pathOf(id), source, (bytes) => {
        this.#usage.take(id, bytes)
        size += bytes
      })
      return size
    } catch (error) {
      this.#usage.change(id, -size)
      this.#usage.end(id)
      throw explained(error)
    }
  }

  /** The request that brought a file is over: the sweep may judge it by the tasks that name it. */
  release(id: string): void {
    this.#usage.end(id)
  }

  /** Whether the request that brings a file is under way. */
  isOpen(id: string): boolean {
    return this.#usage.isOpen(id)
  }

  /**
   * The file or one of its variants, or undefined if there is none of that name.
   * @throws AFTERWORK_FILES_NOT_SHARED
   */
  async open(id: string, variant?: string): Promise<OpenFile | undefined> {
    if (!isId(id) || (variant !== undefined && !isVariantName(variant))) return undefined
    await this.#guard()
    try {
      const handle = await open(variant === undefined ? this.pathOf(id) : `${this.pathOf(id)}.${variant}`)
      const { size, mtimeMs } = await handle.stat()
      return { stream: handle.createReadStream(), size, writtenAt: mtimeMs }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /** Makes sure that new names in the folder survive a loss of power. */
  sync(): Promise<void> {
    return this.#folderSync.sync()
  }

  /** Removes files by their names in the folder; one that is gone already is no error. */
  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const path = join(this.folder, name)
      try {
        const { size } = await stat(path)
        await unlink(path)
        this.#usage.change(name.slice(0, 36), -size)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    }
  }

  /** Removes a file with its variants. */
  async removeWhole(id: string): Promise<void> {
    const names = await readdir(this.folder)
    await this.remove(names.filter((name) => name === id || name.startsWith(`${id}.`)))
  }

  /** Every file with its variants. Puts the figure of what they take right. */
  async list(): Promise<FolderEntry[]> {
    const counted = this.#usage.listing()
    const entries = new Map<string, FolderEntry>()
    try {
      for await (const { name } of await opendir(this.folder, { bufferSize: 256 })) {
        const id = name.slice(0, 36)
        if (!isId(id)) continue
        const written = await stat(join(this.folder, name)).catch(() => undefined)
        if (written === undefined) continue
        const entry = entries.get(id) ?? { id, names: [], unfinished: [], writtenAt: 0, bytes: 0 }
        entry.names.push(name)
        if (name.endsWith(temporary)) entry.unfinished.push({ name, writtenAt: written.mtimeMs })
        entry.writtenAt = Math.max(entry.writtenAt, written.mtimeMs)
        entry.bytes += written.size
        entries.set(id, entry)
      }
    } catch (error) {
      // What was found so far is not all: the figure stays as it was.
      counted()
      throw error
    }
    counted(entries.values())
    return [...entries.values()]
  }

  /** Hears no more of variants. */
  close(): void {
    this.#news?.close()
    this.#news = undefined
  }

  /** Writes all of a source to a new file and to the disk, once `take` has agreed to each piece. */
  async #write(path: string, source: Readable, take: (bytes: number) => void): Promise<void> {
    const handle = await open(path, 'wx')
    try {
      for await (const batch of batches(source)) {
        for (const { length } of batch) take(length)
        await writeAll(handle, batch)
      }
      await handle.sync()
      await handle.close()
    } catch (error) {
      await handle.close().catch(() => {})
      await rm(path, { force: true }).catch(() => {})
      throw error
    }
  }

  get #isBounded(): boolean {
    return this.#usage.max !== Infinity
  }

  /** What was there before this process is counted once, when the first who must know asks. */
  async #measure(): Promise<void> {
    if (!this.#isBounded) return
    this.#measured ??= this.list()
    try {
      await this.#measured
    } catch (error) {
      this.#measured = undefined
      throw error
    }
  }
}

/** The system may take less than it is given. */
async function writeAll(handle: FileHandle, batch: readonly Buffer[]): Promise<void> {
  let { bytesWritten } = await handle.writev(batch)
  for (const chunk of batch) {
    for (let at = Math.min(bytesWritten, chunk.length); at < chunk.length;)
      at += (await handle.write(chunk, at)).bytesWritten
    bytesWritten = Math.max(0, bytesWritten - chunk.length)
  }
}

function explained(error: unknown): unknown {
  if (!fullCodes.includes((error as NodeJS.ErrnoException).code ?? '')) return error
  return new AfterworkError(
    'AFTERWORK_DISK_FULL',
    'The disk has no room for the file; nothing of it was kept',
    { cause: error },
  )
}
