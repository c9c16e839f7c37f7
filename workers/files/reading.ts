import type { StoredFile } from 'afterwork/worker'
import type { ArchiveDescription } from './archive.ts'
import type { ImageDescription } from './image.ts'
import type { Kind } from './kind.ts'
import type { PdfDescription } from './pdf.ts'
import type { TableProfile } from './table.ts'
import type { TextDescription } from './text.ts'

/** What the reader of a file is given. */
export interface Reading {
  file: StoredFile
  kind: Kind
  /** Aborted when the attempt should stop: looked at after each piece of work, of some milliseconds at most. */
  signal: AbortSignal
  /** How far this reader is, from 0 to 1, and what it does, such as `page 3 of 12`. */
  progress: (fraction: number, message: string) => void
  /** Pixels, of thumbnails; checked. */
  widths: readonly number[]
}

/** A file that was made of another and lies beside it: `${file.path}.${variant.name}`. */
export interface Variant {
  /** Such as `w640.webp` or `text.txt`. */
  name: string
  /** Bytes. */
  size: number
  /** Pixels, of an image. */
  width?: number
  /** Pixels, of an image. */
  height?: number
}

/** What a reader found out: one of the descriptions, by the family of the file's kind. */
export interface Findings {
  image?: ImageDescription
  table?: TableProfile
  pdf?: PdfDescription
  archive?: ArchiveDescription
  text?: TextDescription
  /** Without it: none. */
  variants?: Variant[]
}

/**
 * Reads files of one family.
 * @throws a TaskError by fileError() for what is broken, hostile or past a limit; the signal's reason
 */
export type Reader = (reading: Reading) => Promise<Findings>
