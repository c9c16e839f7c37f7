import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import yauzl from 'yauzl'

const pageSize = 64 * 1024
const maxPages = 8

/** Reads a part of a file for yauzl, which asks for a few bytes at a time, a page at a time. */
export class FileWindow extends yauzl.RandomAccessReader {
  readonly size: number
  readonly #handle: FileHandle
  readonly #start: number
  /** The latest is last. */
  readonly #pages = new Map<number, Promise<Buffer>>()

  /** @param start of the part, in the file; the size is the part's */
  constructor(handle: FileHandle, start: number, size: number) {
    super()
    this.#handle = handle
    this.#start = start
    this.size = size
  }

  /** Fewer bytes than asked for, where the part ends. */
  async bytes(position: number, length: number): Promise<Buffer> {
    const end = Math.min(position + length, this.size)
    const pieces: Buffer[] = []
    for (let at = position; at < end;) {
      const page = Math.floor(at / pageSize)
      const piece = (await this.#page(page)).subarray(at - page * pageSize, end - page * pageSize)
      if (piece.length === 0) break
      pieces.push(piece)
      at += piece.length
    }
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }

  /** Never calls back at once: yauzl does not expect it. */
  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, read?: number) => void,
  ): void {
    void this.#copy(buffer, offset, length, position, callback)
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const chunks = chunksOf(this.#handle, this.#start + start, this.#start + Math.min(end, this.size))
    return Readable.from(chunks, { objectMode: false, highWaterMark: pageSize })
  }

  async #copy(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, read?: number) => void,
  ): Promise<void> {
    let read: number
    try {
      read = (await this.bytes(position, length)).copy(buffer, offset)
    } catch (error) {
      callback(error as Error)
      return
    }
    callback(null, read)
  }

  #page(number: number): Promise<Buffer> {
    const known = this.#pages.get(number)
    this.#pages.delete(number)
    const page = known ?? this.#read(number)
    this.#pages.set(number, page)
    if (this.#pages.size > maxPages) this.#pages.delete(this.#pages.keys().next().value!)
    return page
  }

  async #read(number: number): Promise<Buffer> {
    const position = number * pageSize
    return readAt(this.#handle, this.#start + position, Math.min(pageSize, this.size - position))
  }
}

/** The bytes of a file from one position to another, or to where it ends. */
export async function* chunksOf(handle: FileHandle, start: number, end: number): AsyncGenerator<Buffer> {
  // Small at first: much of what is read is small, or turns out to be broken.
  let length = 8 * 1024
  for (let position = start; position < end; length = pageSize) {
    const chunk = await readAt(handle, position, Math.min(length, end - position))
    if (chunk.length === 0) return
    yield chunk
    position += chunk.length
  }
}

/** Fewer bytes than asked for, where the file ends. */
export async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}
