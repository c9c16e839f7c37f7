import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { randomFrom } from './random.ts'

/** Writes so many bytes that look random: a megabyte of them, over and over. */
export async function writeBytes(path: string, bytes: number): Promise<void> {
  const random = randomFrom(123_456_789)
  const piece = Buffer.from(Uint32Array.from({ length: 256 * 1024 }, random).buffer)
  function* pieces(): Generator<Buffer> {
    for (let left = bytes; left > 0; left -= piece.length) yield piece.subarray(0, left)
  }
  await pipeline(Readable.from(pieces()), createWriteStream(path))
}
