import { open } from 'node:fs/promises'
import { writeVariant } from 'afterwork/worker'
import { fileError } from './error.ts'
import type { DocumentDescription } from './pdf/description.ts'
import { Parser, type ParsedPdf } from './pdf/parser.ts'
import type { Findings, Reading, Variant } from './reading.ts'

/** What a PDF says about itself and what is on its pages; of one that is locked, only the first. */
export interface PdfDescription extends DocumentDescription {
  /** Runs of anything but white space, in the text that was read. */
  words?: number
  /** Code points, without line breaks, in the text that was read. */
  characters?: number
  /** False when pages are broken, or the text is past 10,000 pages or 32 MB: it then ends before the limit. */
  textComplete?: boolean
  /** Pages whose text cannot be read, where there are any. */
  brokenPages?: number
  /** Whether it has no text, and its first page is an image. */
  scanned?: boolean
  /** Whether there is a picture of the first page: none where it is blank or cannot be drawn. */
  preview?: boolean
}

/** pdf.js holds the whole file in memory. */
const maxBytes = 200_000_000
/** Read at a time, between looks at the signal. */
const chunkBytes = 8 * 1024 * 1024
/** The share of the progress that opening and describing make, and the one that pages make. */
const [opened, read] = [0.05, 0.9]

/**
 * Describes a PDF, writes its text as `text.txt`, UTF-8 with a form feed between pages, and draws its first page as
 * `page1.webp`. One that needs a password is described as far as it goes and has no variants.
 * @throws BROKEN_PDF, PDF_TOO_LARGE, PDF_TIMEOUT, PDF_TOO_COMPLEX; the signal's reason
 */
export async function readPdf({ file, signal, progress }: Reading): Promise<Findings> {
  progress(0, 'opening')
  const parsed = await Parser.parse(await readWhole(file.path, signal), {
    signal,
    draw: true,
    onPage: (page, pages) => progress(opened + read * ((page - 1) / pages), `page ${page} of ${pages}`),
    onDraw: () => progress(opened + read, 'drawing page 1'),
  })
  const pdf = describe(parsed)
  return { pdf, variants: await writeVariants(file, parsed, signal) }
}

/** A Buffer of all of a file, of its own; throws PDF_TOO_LARGE. */
async function readWhole(path: string, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const handle = await open(path)
  try {
    const { size } = await handle.stat()
    if (size > maxBytes) {
      throw fileError('PDF_TOO_LARGE', `Expected a PDF of at most ${maxBytes} bytes, got ${size}`)
    }
    const data = new Uint8Array(size)
    for (let position = 0; position < size;) {
      signal.throwIfAborted()
      const length = Math.min(chunkBytes, size - position)
      const { bytesRead } = await handle.read(data, position, length, position)
      if (bytesRead === 0) break
      position += bytesRead
    }
    return data
  } finally {
    await handle.close()
  }
}

/** Throws BROKEN_PDF when nothing on any page can be read or seen. */
function describe({ description, text, preview }: ParsedPdf): PdfDescription {
  if (text === undefined) return description
  const { words, characters, isComplete, brokenPages, triedPages } = text
  if (triedPages > 0 && brokenPages === triedPages && preview === undefined) {
    throw fileError('BROKEN_PDF', `Expected a PDF with pages, got ${triedPages} that cannot be read`)
  }
  return {
    ...description,
    words,
    characters,
    textComplete: isComplete,
    ...(brokenPages > 0 && { brokenPages }),
    scanned: words === 0 && preview?.isMostlyImage === true,
    preview: preview !== undefined,
  }
}

async function writeVariants(
  file: Reading['file'],
  { text, preview }: ParsedPdf,
  signal: AbortSignal,
): Promise<Variant[]> {
  const variants: Variant[] = []
  if (text?.content !== undefined) {
    signal.throwIfAborted()
    await writeVariant(file, 'text.txt', text.content)
    variants.push({ name: 'text.txt', size: text.content.length })
  }
  if (preview !== undefined) {
    signal.throwIfAborted()
    const { content, width, height } = preview
    await writeVariant(file, 'page1.webp', content)
    variants.push({ name: 'page1.webp', width, height, size: content.length })
  }
  return variants
}
