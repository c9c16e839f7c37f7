import sharp, { type OutputInfo, type Sharp } from 'sharp'
import type { ImageDescription } from '../image.ts'
import { maxSeconds, rethrow } from './failure.ts'
import { maxPixels, type ImageHeader } from './header.ts'

/** libwebp refuses more in either direction. */
const maxSide = 16_383

/** An image's pixels, upright, in sRGB: of one frame, or of all frames one below the other. */
export interface ReducedImage {
  pixels: Buffer
  width: number
  /** Of one frame. */
  height: number
  channels: 1 | 2 | 3 | 4
  frames: number
}

/** Ascending, without duplicates; what would enlarge the image becomes its own width. */
export function thumbnailWidths(image: ImageDescription, widths: readonly number[]): number[] {
  const tallest = Math.floor((maxSide * image.width) / image.height)
  const widest = Math.max(1, Math.min(image.width, maxSide, tallest))
  return [...new Set(widths.map((width) => Math.min(width, widest)))].sort((a, b) => a - b)
}

/** Decodes an image once, so that its thumbnails need not; throws BROKEN_IMAGE or IMAGE_TIMEOUT. */
export async function decodeReduced(
  path: string,
  { image, delays }: ImageHeader,
  width: number,
): Promise<ReducedImage> {
  const { data, info } = await sharp(path, {
    // Cameras' harmless slips are warnings; missing or unreadable pixels are errors.
    failOn: 'error',
    limitInputPixels: maxPixels,
    autoOrient: true,
    animated: delays !== undefined,
  })
    .timeout({ seconds: maxSeconds })
    .resize({ width, height: heightAt(image, width), fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch(rethrow)
  return shaped(data, info)
}

/** The same image, narrower; throws IMAGE_TIMEOUT. */
export async function reduce(
  reduced: ReducedImage,
  image: ImageDescription,
  width: number,
): Promise<ReducedImage> {
  if (width === reduced.width) return reduced
  const { data, info } = await pipeline(reduced)
    .resize({ width, height: heightAt(image, width), fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch(rethrow)
  return shaped(data, info)
}

/** The first frame of several, without a copy. */
export function firstFrame(reduced: ReducedImage): ReducedImage {
  const { pixels, width, height, channels } = reduced
  return { ...reduced, pixels: pixels.subarray(0, width * height * channels), frames: 1 }
}

/** Whether something shines through; many formats have room for transparency that nobody used. */
export function isTransparent({ pixels, channels }: ReducedImage): boolean {
  if (channels === 1 || channels === 3) return false
  for (let at = channels - 1; at < pixels.length; at += channels) if (pixels[at] !== 255) return true
  return false
}

/** What sharp makes of the pixels. */
export function pipeline({ pixels, width, height, channels, frames }: ReducedImage): Sharp {
  const raw = { width, height: height * frames, channels, ...(frames > 1 && { pageHeight: height }) }
  return sharp(pixels, { raw, animated: frames > 1 }).timeout({ seconds: maxSeconds })
}

function shaped(pixels: Buffer, info: OutputInfo): ReducedImage {
  const { width, height, channels, pages = 1 } = info
  return { pixels, width, height: height / pages, channels, frames: pages }
}

function heightAt(image: ImageDescription, width: number): number {
  return Math.min(maxSide, Math.max(1, Math.round((image.height * width) / image.width)))
}
