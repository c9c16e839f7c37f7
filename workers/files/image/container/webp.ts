import type { Source } from '../source.ts'
import { checkFrames } from './frames.ts'

/** Counts the frames of a WebP, without decoding one; throws IMAGE_TOO_LARGE. What is broken is left to the decoder. */
export async function checkWebp(source: Source): Promise<void> {
  for (let at = 12, frames = 0; ;) {
    const header = await source.read(at, 8)
    if (header.length < 8) return
    if (header.toString('latin1', 0, 4) === 'ANMF') checkFrames(++frames)
    const length = header.readUInt32LE(4)
    at += 8 + length + (length % 2)
  }
}
