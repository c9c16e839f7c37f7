import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { inspect } from 'node:util'
import { currentTask, writeVariant, type StoredFile } from 'afterwork/worker'
import { fileTypeFromFile } from 'file-type'
import { canDecode, decodeReduced, describeImage, encodeThumbnail, thumbnailWidths } from './files/image.ts'
import type { ImageDescription } from './files/image.ts'

/** What processFile() found out about a file and made of it. */
export interface ProcessedFile {
  id: string
  /** What the client called the file. */
  name: string
  /** Bytes on disk. */
  size: number
  /** Hexadecimal. */
  sha256: string
  /** What the content is, whatever name and client say; null for text and all else without a signature. */
  kind: { extension: string; mime: string } | null
  /** null for everything that is not an image we decode. */
  image: ImageDescription | null
  /** Thumbnails, narrowest first; each is the file `${file.path}.${variant.name}`. */
  variants: Variant[]
}

/** A thumbnail beside its original. */
export interface Variant {
  /** Such as `w640.webp`. */
  name: string
  /** Pixels. */
  width: number
  /** Pixels. */
  height: number
  /** Bytes. */
  size: number
}

/**
 * Finds out what a stored file is, hashes it and, if it is an image, makes thumbnails beside it.
 *
 * Thumbnails are WebP, the right way up, without EXIF, never wider than the image. Files of other
 * kinds are no error. Running it again gives the same result; a reader never sees half a thumbnail.
 * @param options.widths pixels, at most 8 whole numbers from 1 to 4096, by default 160, 640 and 1280
 * @throws an Error whose `code` is BAD_WIDTHS, BROKEN_IMAGE, IMAGE_TOO_LARGE (more than 50 megapixels) or
 *   IMAGE_TIMEOUT; the system's error, such as ENOENT, when a file cannot be read or written;
 *   the signal's reason when the attempt should stop
 */
export async function processFile(
  file: StoredFile,
  options: { widths?: number[] } = {},
): Promise<ProcessedFile> {
  const { signal, progress, log } = currentTask()
  const widths = checkWidths(options.widths ?? [160, 640, 1280])

  progress(0, 'reading')
  const { size, sha256 } = await digest(file)
  const type = await fileTypeFromFile(file.path)
  const kind = type === undefined ? null : { extension: type.ext, mime: type.mime }
  const processed: ProcessedFile = {
    id: file.id,
    name: file.name,
    size,
    sha256,
    kind,
    image: null,
    variants: [],
  }

  if (kind !== null && canDecode(kind.mime)) {
    const image = await describeImage(file.path)
    processed.image = image
    processed.variants = await makeThumbnails(file, image, thumbnailWidths(image, widths))
  }
  signal.throwIfAborted()
  progress(1, 'done')
  log.info('file processed', {
    file: file.id,
    size,
    mime: kind?.mime ?? null,
    variants: processed.variants.length,
  })
  return processed
}

function checkWidths(widths: unknown): number[] {
  const isWidth = (width: unknown) =>
    Number.isInteger(width) && (width as number) >= 1 && (width as number) <= 4096
  if (Array.isArray(widths) && widths.length <= 8 && widths.every(isWidth)) return widths
  const got = inspect(widths, { compact: true, breakLength: Infinity, maxStringLength: 80, depth: 1 })
  const error = new TypeError(`widths: Expected at most 8 whole numbers from 1 to 4096, got ${got}`)
  throw Object.assign(error, { code: 'BAD_WIDTHS' })
}

/** One pass over the file, a mebibyte at a time. */
async function digest(file: StoredFile): Promise<{ size: number; sha256: string }> {
  const { signal, progress } = currentTask()
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of createReadStream(file.path, { highWaterMark: 1024 * 1024 })) {
    signal.throwIfAborted()
    hash.update(chunk)
    size += chunk.length
    progress(0.4 * Math.min(1, size / file.size), 'reading')
  }
  return { size, sha256: hash.digest('hex') }
}

async function makeThumbnails(
  file: StoredFile,
  image: ImageDescription,
  widths: number[],
): Promise<Variant[]> {
  const { signal, progress } = currentTask()
  const widest = widths.at(-1)
  if (widest === undefined) return []

  signal.throwIfAborted()
  progress(0.4, 'decoding')
  const reduced = await decodeReduced(file.path, image, widest)

  const variants: Variant[] = []
  for (const width of widths) {
    signal.throwIfAborted()
    progress(0.7 + (0.3 * variants.length) / widths.length, `thumbnail ${width}`)
    const { data, height } = await encodeThumbnail(reduced, image, width)
    const name = `w${width}.webp`
    await writeVariant(file, name, data)
    variants.push({ name, width, height, size: data.length })
  }
  return variants
}
