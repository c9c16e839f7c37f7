import { writeVariant } from 'afterwork/worker'
import sharp from 'sharp'
import { fileError } from './error.ts'
import type { Findings, Reading, Variant } from './reading.ts'

// The pool decides how much runs at once; libvips' own threads and cache would come on top of that.
sharp.concurrency(1)
sharp.cache(false)

/** About 200 MB decoded; sharp alone would let 268 megapixels through. */
const maxPixels = 50_000_000
/** libwebp refuses more in either direction. */
const maxWebpSide = 16_383
/** No step of a sound image takes as long; native code heeds neither a signal nor the end of its thread. */
const maxSeconds = 30

/** An image as a viewer shows it: width and height are those after its EXIF orientation. */
export interface ImageDescription {
  /** Pixels. */
  width: number
  /** Pixels. */
  height: number
  /** sharp's name for it: jpeg, png, webp, gif, tiff, or heif for AVIF. */
  format: string
  channels: number
  hasAlpha: boolean
  /** EXIF orientation of the original, 1 to 8, where it has one. */
  orientation?: number
  /** Frames of an animation or pages of a TIFF, where there are several; thumbnails show the first. */
  pages?: number
}

/** An image's pixels, upright, in sRGB, no wider than the widest thumbnail. */
interface ReducedImage {
  pixels: Buffer
  raw: { width: number; height: number; channels: 1 | 2 | 3 | 4 }
}

/** Describes an image and makes its thumbnails: WebP, upright, without EXIF, never wider than the image. */
export async function readImage({ file, signal, progress, widths }: Reading): Promise<Findings> {
  const image = await describeImage(file.path)
  const fitting = thumbnailWidths(image, widths)
  const widest = fitting.at(-1)
  if (widest === undefined) return { image }

  signal.throwIfAborted()
  progress(0.2, 'decoding')
  const reduced = await decodeReduced(file.path, image, widest)

  const variants: Variant[] = []
  for (const width of fitting) {
    signal.throwIfAborted()
    progress(0.6 + (0.4 * variants.length) / fitting.length, `thumbnail ${width}`)
    const { data, height } = await encodeThumbnail(reduced, image, width)
    const name = `w${width}.webp`
    await writeVariant(file, name, data)
    variants.push({ name, width, height, size: data.length })
  }
  return { image, variants }
}

/** Reads an image's header; throws BROKEN_IMAGE, or IMAGE_TOO_LARGE before a single pixel is decoded. */
async function describeImage(path: string): Promise<ImageDescription> {
  // No limit here: whoever sent too large an image should read how large it is.
  const metadata = await sharp(path, { limitInputPixels: false }).metadata().catch(rethrow)
  const { format, channels, hasAlpha, orientation, pages } = metadata
  const { width, height } = metadata.autoOrient
  if (width * height > maxPixels) {
    throw fileError('IMAGE_TOO_LARGE', `Expected at most ${maxPixels} pixels, got ${width} x ${height}`)
  }
  return {
    width,
    height,
    format,
    channels,
    hasAlpha,
    ...(orientation !== undefined && { orientation }),
    ...(pages !== undefined && pages > 1 && { pages }),
  }
}

/** Ascending, without duplicates; what would enlarge the image becomes its own width. */
function thumbnailWidths(image: ImageDescription, widths: readonly number[]): number[] {
  const tallest = Math.floor((maxWebpSide * image.width) / image.height)
  const widest = Math.max(1, Math.min(image.width, tallest))
  return [...new Set(widths.map((width) => Math.min(width, widest)))].sort((a, b) => a - b)
}

/** Decodes an image once, so that its thumbnails need not; throws BROKEN_IMAGE or IMAGE_TIMEOUT. */
async function decodeReduced(path: string, image: ImageDescription, width: number): Promise<ReducedImage> {
  // Cameras' harmless slips are warnings; missing or unreadable pixels are errors.
  const { data, info } = await sharp(path, { failOn: 'error', limitInputPixels: maxPixels, autoOrient: true })
    .timeout({ seconds: maxSeconds })
    .resize({ width, height: heightAt(image, width), fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch(rethrow)
  return { pixels: data, raw: { width: info.width, height: info.height, channels: info.channels } }
}

/** A thumbnail as WebP of quality 80, with nothing of the original's metadata; throws IMAGE_TIMEOUT. */
async function encodeThumbnail(
  reduced: ReducedImage,
  image: ImageDescription,
  width: number,
): Promise<{ data: Buffer; height: number }> {
  const height = heightAt(image, width)
  const data = await sharp(reduced.pixels, { raw: reduced.raw })
    .timeout({ seconds: maxSeconds })
    .resize({ width, height, fit: 'fill' })
    // A third less time for the whole photo than at effort 4, sharp's default, and at most 5% more bytes.
    .webp({ quality: 80, effort: 2 })
    .toBuffer()
    .catch(rethrow)
  return { data, height }
}

function heightAt(image: ImageDescription, width: number): number {
  return Math.min(maxWebpSide, Math.max(1, Math.round((image.height * width) / image.width)))
}

/** sharp's errors have no codes and hold paths of ours: they are for the log, as the cause. */
function rethrow(cause: Error): never {
  if (cause.message.startsWith('timeout')) {
    throw fileError(
      'IMAGE_TIMEOUT',
      `Expected an image that takes less than ${maxSeconds} s, got a slower one`,
      cause,
    )
  }
  throw fileError('BROKEN_IMAGE', 'Expected a whole image, got one that is truncated or corrupt', cause)
}
