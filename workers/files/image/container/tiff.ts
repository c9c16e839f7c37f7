import type { Source } from '../source.ts'
import { checkFrames } from './frames.ts'

/** Counts the pages of a TIFF or BigTIFF; throws IMAGE_TOO_LARGE. What is broken is left to the decoder. */
export async function checkTiff(source: Source): Promise<void> {
  const header = await source.read(0, 16)
  if (header.length < 16) return
  const little = header[0] === 0x49
  const big = header[little ? 2 : 3] === 43
  const seen = new Set<number>()
  for (let at = offset(header, big ? 8 : 4); at !== 0 && !seen.has(at);) {
    checkFrames(seen.add(at).size)
    const count = await source.read(at, 8)
    if (count.length < 8) return
    const entries = big ? offset(count, 0) : little ? count.readUInt16LE(0) : count.readUInt16BE(0)
    if (entries > 0xffff) return
    const next = await source.read(at + (big ? 8 + 20 * entries : 2 + 12 * entries), 8)
    if (next.length < (big ? 8 : 4)) return
    at = offset(next, 0)
  }

  function offset(bytes: Buffer, position: number): number {
    if (!big) return little ? bytes.readUInt32LE(position) : bytes.readUInt32BE(position)
    const value = little ? bytes.readBigUInt64LE(position) : bytes.readBigUInt64BE(position)
    // No file is as long: there is nothing to read.
    return Number(value < 2n ** 48n ? value : 2n ** 48n)
  }
}
