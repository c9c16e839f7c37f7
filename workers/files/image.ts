import { writeVariant } from 'afterwork/worker'
import sharp from 'sharp'
import { fileError } from './error.ts'
import type { Capture } from './image/capture.ts'
import { readHeader } from './image/header.ts'
import { decodeReduced, firstFrame, isTransparent, reduce, thumbnailWidths } from './image/reduced.ts'
import { encodeClassic, encodeWebp } from './image/thumbnail.ts'
import type { Findings, Reading, Variant } from './reading.ts'

// The pool decides how much runs at once; libvips' own threads and cache would come on top of that.
sharp.concurrency(1)
sharp.cache(false)

/** An image as a viewer shows it: width and height are those after its EXIF orientation. */
export interface ImageDescription {
  /** Pixels. */
  width: number
  /** Pixels. */
  height: number
  /** `jpeg`, `png`, `webp`, `avif`, `gif` or `tiff`. */
  format: string
  channels: number
  /** Whether there is room for transparency, used or not. */
  hasAlpha: boolean
  /** libvips' name for how colours are told, such as `srgb`, `cmyk`, `b-w` or `rgb16`. */
  space: string
  /** Of one channel, or of the number of a colour in a palette. */
  bits: number
  /** Pixels an inch, where the image says. */
  density?: number
  /** EXIF orientation of the original, 1 to 8, where it has one. */
  orientation?: number
  /** Of a TIFF, where there are several; all else here is about the first. */
  pages?: number
  animation?: Animation
  capture?: Capture
}

/** What moves. */
export interface Animation {
  frames: number
  /** How often it plays; 0 for ever. */
  loops: number
  /** Milliseconds that playing it once takes. */
  duration: number
  /** Whether the WebP thumbnails are animated, too; those of an APNG, and of one that is too large, show the first frame. */
  animatedThumbnails: boolean
}

/**
 * Describes an image and makes two thumbnails a width, upright, in sRGB, without metadata, never wider than the image:
 * a JPEG, or a PNG where something shines through, and a WebP. All come from one decoding.
 * @throws SVG_REFUSED, IMAGE_TOO_LARGE, BROKEN_IMAGE, IMAGE_TIMEOUT
 */
export async function readImage({ file, kind, signal, progress, widths }: Reading): Promise<Findings> {
  if (kind.extension === 'svg') {
    throw fileError(
      'SVG_REFUSED',
      'Expected an image made of pixels, got an SVG, which may hold scripts and links',
    )
  }
  const header = await readHeader(file.path, kind, signal)
  const { image, delays = [] } = header
  const fitting = thumbnailWidths(image, widths)
  const widest = fitting.at(-1)
  if (widest === undefined) return { image }

  signal.throwIfAborted()
  progress(0.2, 'decoding')
  const base = await decodeReduced(file.path, header, widest)
  const playing = { delays, loops: image.animation?.loops ?? 0 }
  const transparent = isTransparent(firstFrame(base))

  const variants: Variant[] = []
  for (const [index, width] of fitting.entries()) {
    signal.throwIfAborted()
    progress(0.6 + (0.4 * index) / fitting.length, `thumbnail ${width}`)
    const reduced = await reduce(base, image, width)
    const still = firstFrame(reduced)
    const store = async (extension: string, data: Buffer) => {
      const name = `w${width}.${extension}`
      await writeVariant(file, name, data)
      variants.push({ name, width, height: reduced.height, size: data.length })
    }
    await store(transparent ? 'png' : 'jpg', await encodeClassic(still, transparent))
    signal.throwIfAborted()
    await store('webp', await encodeWebp(reduced, playing))
  }
  return { image, variants }
}
