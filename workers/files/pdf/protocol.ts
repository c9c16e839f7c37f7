import type { DocumentDescription } from './description.ts'
import type { Preview } from './preview.ts'
import type { ExtractedText } from './text.ts'

/** What the thread that parses is asked: one file at a time. */
export interface ParseRequest {
  /** The whole file; it is transferred. */
  data: Uint8Array<ArrayBuffer>
  /** Whether the first page is wanted as a picture. */
  draw: boolean
}

/** What was read of a PDF. */
export interface ReadPdf {
  description: DocumentDescription
  /** undefined of one that is locked. */
  text: ExtractedText | undefined
}

/** What the thread that parses says: ready, once; then of each file pages, read, done; or failed at any time. */
export type ParserMessage =
  | { type: 'ready' }
  | { type: 'page'; page: number; pages: number }
  /** All but the picture: what goes wrong after it does not take it back. */
  | { type: 'read'; read: ReadPdf }
  | { type: 'done'; preview: Preview | undefined }
  /** What pdf.js said about it. */
  | { type: 'failed'; cause: Error }
