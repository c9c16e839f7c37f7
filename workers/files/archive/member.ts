import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { crc32, createInflateRaw } from 'node:zlib'
import { fileError } from '../error.ts'
import { chunksOf, readAt } from './window.ts'

const chunkSize = 64 * 1024
const trailerSize = 8

/**
 * Inflates the data of one gzip member, and compares checksum and length with those that follow them. zlib's own Gunzip would
 * go through all members as if they were one, without telling how many there are or where the last one ends.
 * @param take is given each piece, and how many bytes were read for it; it ends the reading by false
 * @returns the bytes of data and trailer, or undefined if take ended it
 * @throws BROKEN_ARCHIVE; what take throws
 */
export async function inflateMember(
  handle: FileHandle,
  position: number,
  end: number,
  take: (chunk: Buffer, read: number) => Promise<boolean>,
): Promise<{ length: number } | undefined> {
  const inflate = createInflateRaw({ chunkSize })
  const source = Readable.from(chunksOf(handle, position, end), {
    objectMode: false,
    highWaterMark: chunkSize,
  })
  source.on('error', (error) => inflate.destroy(error))
  source.pipe(inflate)
  let [crc, size] = [0, 0]
  try {
    for await (const chunk of inflate as AsyncIterable<Buffer>) {
      crc = crc32(chunk, crc)
      size += chunk.length
      if (!(await take(chunk, inflate.bytesWritten))) return undefined
    }
  } catch (error) {
    throw isZlibError(error) ? broken('damaged or cut', error) : error
  } finally {
    source.destroy()
    inflate.destroy()
  }
  const trailer = await readAt(handle, position + inflate.bytesWritten, trailerSize)
  if (trailer.length < trailerSize) throw broken('cut')
  if (trailer.readUInt32LE(0) !== crc || trailer.readUInt32LE(4) !== size % 2 ** 32) {
    throw broken('damaged: its checksum is wrong')
  }
  return { length: inflate.bytesWritten + trailerSize }
}

function isZlibError(error: unknown): boolean {
  return String((error as NodeJS.ErrnoException).code).startsWith('Z_')
}

function broken(how: string, cause?: unknown) {
  return fileError('BROKEN_ARCHIVE', `Expected a whole gzip file, got one that is ${how}`, cause)
}
