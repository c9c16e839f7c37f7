import { inspect } from 'node:util'
import { currentTask, type StoredFile } from 'afterwork/worker'
import { digest } from './files/digest.ts'
import { fileError } from './files/error.ts'
import { kindOf, type Family, type Kind } from './files/kind.ts'
import type { Findings, Reader, Variant } from './files/reading.ts'

/** What processFile() found out about a file and made of it; of the descriptions there is at most one. */
export interface ProcessedFile extends Omit<Findings, 'variants'> {
  id: string
  /** What the client called the file. */
  name: string
  /** Bytes on disk. */
  size: number
  /** Hexadecimal. */
  sha256: string
  /** null when nothing is known of the content. */
  kind: Kind | null
  variants: Variant[]
}

/** The readers and their libraries are loaded when the first file of their family comes. */
const readers: Record<Exclude<Family, 'other'>, () => Promise<Reader>> = {
  image: async () => (await import('./files/image.ts')).readImage,
  table: async () => (await import('./files/table.ts')).readTable,
  pdf: async () => (await import('./files/pdf.ts')).readPdf,
  archive: async () => (await import('./files/archive.ts')).readArchive,
  text: async () => (await import('./files/text.ts')).readText,
}

/** The share of the progress that hashing a file makes. */
const hashing = 0.2

/**
 * Finds out what a stored file is, hashes and reads it, and makes variants beside it: thumbnails of an image, the text of
 * a PDF. What each family of files gives, its limits and its error codes: docs/files.md.
 *
 * A file of which nothing is known is no error. Running it again gives the same result; a reader never sees half a variant.
 * @param options.widths of thumbnails: pixels, at most 8 whole numbers from 1 to 4096, by default 160, 640 and 1280
 * @throws BAD_WIDTHS; a code of docs/files.md for a file that is broken, hostile or past a limit; the system's error,
 *   such as ENOENT, when a file cannot be read or written; the signal's reason when the attempt should stop
 */
export async function processFile(
  file: StoredFile,
  options: { widths?: readonly number[] } = {},
): Promise<ProcessedFile> {
  const { signal, progress, log } = currentTask()
  const widths = checkWidths(options.widths ?? [160, 640, 1280])

  progress(0, 'reading')
  const { size, sha256 } = await digest(file.path, signal, (bytes) =>
    progress(hashing * Math.min(1, bytes / file.size), 'reading'),
  )
  const kind = await kindOf(file.path)
  const { variants = [], ...findings } = await read()
  signal.throwIfAborted()
  progress(1, 'done')
  log.info('file processed', { file: file.id, size, mime: kind?.mime ?? null, variants: variants.length })
  return { id: file.id, name: file.name, size, sha256, kind, ...findings, variants }

  async function read(): Promise<Findings> {
    if (kind === null || kind.family === 'other') return {}
    const reader = await readers[kind.family]()
    signal.throwIfAborted()
    return reader({
      file,
      kind,
      signal,
      progress: (fraction, message) => progress(hashing + (1 - hashing) * fraction, message),
      widths,
    })
  }
}

function checkWidths(widths: unknown): readonly number[] {
  const isWidth = (width: unknown) =>
    Number.isInteger(width) && (width as number) >= 1 && (width as number) <= 4096
  if (Array.isArray(widths) && widths.length <= 8 && widths.every(isWidth)) return widths
  const got = inspect(widths, { compact: true, breakLength: Infinity, maxStringLength: 80, depth: 1 })
  throw fileError('BAD_WIDTHS', `widths: Expected at most 8 whole numbers from 1 to 4096, got ${got}`)
}
