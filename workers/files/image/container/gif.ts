import { rethrow } from '../failure.ts'
import type { Source } from '../source.ts'
import { checkFrames } from './frames.ts'

const extension = 0x21
const frame = 0x2c

/**
 * Goes through the blocks of a GIF, without decoding a frame (GIF89a).
 * @throws IMAGE_TOO_LARGE for too many frames; BROKEN_IMAGE if the file ends within one, which the decoder would show as if
 *   it were whole; what else is broken is left to the decoder
 */
export async function checkGif(source: Source): Promise<void> {
  const header = await source.read(0, 13)
  if (header.length < 13) return
  let at = 13 + colours(header[10]!)
  for (let frames = 0; ;) {
    const block = await source.read(at, 10)
    if (block[0] === extension) at = (await afterSubBlocks(source, at + 2)).at
    else if (block[0] === frame && block.length === 10) {
      checkFrames(++frames)
      const after = await afterSubBlocks(source, at + 10 + colours(block[9]!) + 1)
      if (after.cut) rethrow(new Error(`The file ends within frame ${frames}`))
      at = after.at
    } else return
  }
}

/** Bytes of the table of colours that the flags announce. */
function colours(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 << ((flags & 7) + 1)
}

/** Where the sub-blocks end, and whether the file ends within one; that an empty one ends them is often forgotten. */
async function afterSubBlocks(source: Source, start: number): Promise<{ at: number; cut: boolean }> {
  for (let at = start; ;) {
    const length = (await source.read(at, 1))[0]
    if (length === undefined) return { at, cut: at > start && (await source.read(at - 1, 1)).length === 0 }
    at += 1 + length
    if (length === 0) return { at, cut: false }
  }
}
