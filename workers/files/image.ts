import sharp from 'sharp'

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

/** Without HEIC, which sharp's prebuilt binaries cannot decode, and SVG, which can refer to other files. */
const decodable = new Set([
  'image/jpeg',
  'image/png',
  'image/apng',
  'image/webp',
  'image/avif',
  'image/gif',
  'image/tiff',
])

/** Whether content of this media type can be described and reduced. */
export function canDecode(mime: string): boolean {
  return decodable.has(mime)
}

/** Reads an image's header; throws BROKEN_IMAGE, or IMAGE_TOO_LARGE before a single pixel is decoded. */
export async function describeImage(path: string): Promise<ImageDescription> {
  // No limit here: whoever sent too large an image should read how large it is.
  const metadata = await sharp(path, { limitInputPixels: false }).metadata().catch(rethrow)
  const { format, channels, hasAlpha, orientation, pages } = metadata
  const { width, height } = metadata.autoOrient
  if (width * height > maxPixels) {
    throw imageError('IMAGE_TOO_LARGE', `Expected at most ${maxPixels} pixels, got ${width} x ${height}`)
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
export function thumbnailWidths(image: ImageDescription, widths: number[]): number[] {
  const tallest = Math.floor((maxWebpSide * image.width) / image.height)
  const widest = Math.max(1, Math.min(image.width, tallest))
  return [...new Set(widths.map((width) => Math.min(width, widest)))].sort((a, b) => a - b)
}

/** Decodes an image once, so that its thumbnails need not; throws BROKEN_IMAGE or IMAGE_TIMEOUT. */
export async function decodeReduced(
  path: string,
  image: ImageDescription,
  width: number,
): Promise<ReducedImage> {
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
export async function encodeThumbnail(
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
    throw imageError(
      'IMAGE_TIMEOUT',
      `Expected an image that takes less than ${maxSeconds} s, got a slower one`,
      cause,
    )
  }
  throw imageError('BROKEN_IMAGE', 'Expected a whole image, got one that is truncated or corrupt', cause)
}

function imageError(code: string, message: string, cause?: Error): Error {
  return Object.assign(new Error(message, cause && { cause }), { code })
}
