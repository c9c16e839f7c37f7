import sharp, { type Metadata } from 'sharp'
import { fileError } from '../error.ts'
import type { Kind } from '../kind.ts'
import type { Animation, ImageDescription } from '../image.ts'
import { captureOf, exifSource, type Capture } from './capture.ts'
import { checkContainer } from './container.ts'
import type { PngAnimation } from './container/png.ts'
import { rethrow } from './failure.ts'
import { withFile } from './source.ts'

/** About 200 MB decoded; sharp alone would let 268 megapixels through. */
export const maxPixels = 50_000_000
/** Pixels in either direction, as in a JPEG: libvips keeps whole rows, some hundred of them. */
const maxSide = 65_535
/** Of an animated thumbnail: what plays longer shows its first frame. */
const maxFrames = 500

/** What is known of an image before a pixel of it is decoded. */
export interface ImageHeader {
  image: ImageDescription
  /** Milliseconds of each frame, of an animation whose WebP thumbnails are animated. */
  delays?: readonly number[]
}

/** Reads an image's header; throws BROKEN_IMAGE, or IMAGE_TOO_LARGE before a single pixel is decoded. */
export async function readHeader(path: string, kind: Kind, signal: AbortSignal): Promise<ImageHeader> {
  const png = await checkContainer(path, kind, signal)
  // No limit here: whoever sent too large an image should read how large it is.
  const metadata = await sharp(path, { limitInputPixels: false }).metadata().catch(rethrow)
  const { width, height } = metadata.autoOrient
  if (width * height > maxPixels) {
    throw fileError('IMAGE_TOO_LARGE', `Expected at most ${maxPixels} pixels, got ${width} x ${height}`)
  }
  if (Math.max(width, height) > maxSide) {
    throw fileError('IMAGE_TOO_LARGE', `Expected at most ${maxSide} pixels a side, got ${width} x ${height}`)
  }
  const animation = animationOf(metadata, png)
  const capture = await readCapture(path, kind, metadata, signal)
  return {
    image: {
      width,
      height,
      ...describe(metadata),
      ...(animation !== undefined && { animation }),
      ...(capture !== undefined && { capture }),
    },
    ...(animation?.animatedThumbnails === true && { delays: delaysOf(metadata) }),
  }
}

function describe(metadata: Metadata): Omit<ImageDescription, 'width' | 'height'> {
  const { format, channels, hasAlpha, space, bitsPerSample, depth, density, orientation, pages } = metadata
  const bits = bitsPerSample ?? (depth === 'ushort' ? 16 : 8)
  return {
    format: format === 'heif' ? 'avif' : format,
    channels,
    hasAlpha,
    space,
    bits,
    ...(density !== undefined && density > 0 && Number.isFinite(density) && { density }),
    ...(orientation !== undefined && { orientation }),
    ...(format === 'tiff' && pages !== undefined && pages > 1 && { pages }),
  }
}

function animationOf(metadata: Metadata, png: PngAnimation | undefined): Animation | undefined {
  // One frame is a still, whatever its file could be.
  if (png !== undefined && png.frames > 1) return { ...png, animatedThumbnails: false }
  const { format, pages: frames = 1, loop = 0, width, height, orientation = 1 } = metadata
  if ((format !== 'gif' && format !== 'webp') || frames < 2) return undefined
  const duration = delaysOf(metadata).reduce((sum, delay) => sum + delay, 0)
  const isSmall = frames <= maxFrames && frames * width * height <= maxPixels
  // libvips turns single images only.
  return { frames, loops: loop, duration, animatedThumbnails: isSmall && orientation === 1 }
}

function delaysOf({ delay = [], pages = 1 }: Metadata): readonly number[] {
  return Array.from({ length: pages }, (_, index) => Math.max(0, delay[index] ?? delay.at(-1) ?? 0))
}

/** sharp gives the EXIF block of all formats but TIFF, whose directories are those of the file itself. */
function readCapture(
  path: string,
  { extension }: Kind,
  { exif }: Metadata,
  signal: AbortSignal,
): Promise<Capture | undefined> | undefined {
  if (extension === 'tif') return withFile(path, signal, captureOf)
  return exif === undefined ? undefined : captureOf(exifSource(exif))
}
