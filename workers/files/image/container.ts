import type { Kind } from '../kind.ts'
import { checkGif } from './container/gif.ts'
import { readPng, type PngAnimation } from './container/png.ts'
import { checkTiff } from './container/tiff.ts'
import { checkWebp } from './container/webp.ts'
import { withFile } from './source.ts'

/**
 * Looks for what would cost libraries gigabytes before the first pixel: frames or pages by the million, texts that inflate
 * a thousandfold. Gives the animation of a PNG, of which sharp knows nothing.
 * @throws IMAGE_TOO_LARGE; BROKEN_IMAGE; the signal's reason; the system's error, such as ENOENT
 */
export async function checkContainer(
  path: string,
  { extension }: Kind,
  signal: AbortSignal,
): Promise<PngAnimation | undefined> {
  switch (extension) {
    case 'png':
    case 'apng':
      return withFile(path, signal, readPng)
    case 'gif':
      await withFile(path, signal, checkGif)
      return undefined
    case 'webp':
      await withFile(path, signal, checkWebp)
      return undefined
    case 'tif':
      await withFile(path, signal, checkTiff)
      return undefined
    default:
      return undefined
  }
}
