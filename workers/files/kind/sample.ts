import { open, type FileHandle } from 'node:fs/promises'

/** Enough for the header of any format, for most short texts as a whole, and for a thousand lines of a table. */
const headSize = 64 * 1024
/** Of a file that goes on: what is text at its beginning may be followed by something else. */
const pieceSize = 16 * 1024

/** What is looked at of a file to tell its kind: at most 96 kB, however large the file. */
export interface Sample {
  /** The first 64 kB. */
  head: Buffer
  /** 16 kB from the middle, at an even offset divisible by four; empty where the rest covers it. */
  middle: Buffer
  /** Up to 16 kB at the end; empty when the head is the whole file. */
  end: Buffer
  /** Bytes of the file. */
  size: number
}

/** Reads the sample of a file; throws the system's error, such as ENOENT. */
export async function sampleOf(path: string): Promise<Sample> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const head = await readAt(file, 0, Math.min(size, headSize))
    const endAt = Math.max(head.length, aligned(size - pieceSize))
    const end = await readAt(file, endAt, Math.max(0, size - endAt))
    const middleAt = aligned(size / 2)
    const between = middleAt >= head.length && middleAt + pieceSize <= endAt
    const middle = between ? await readAt(file, middleAt, pieceSize) : Buffer.alloc(0)
    return { head, middle, end, size }
  } finally {
    await file.close()
  }
}

/** So that a character of two or four bytes is not cut at the beginning. */
function aligned(offset: number): number {
  return Math.max(0, Math.floor(offset / 4) * 4)
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}
