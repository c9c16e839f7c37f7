import type { PDFDocumentProxy, PDFPageProxy } from 'pdfjs-dist'
import { count } from './count.ts'

/** What is read of a PDF, however long it is. */
const maxPages = 10_000
/** UTF-8; held in memory until it is written, and once more while it is joined. */
const maxBytes = 32_000_000
/** UTF-16 units; more than that is no page that somebody reads. */
const maxPageLength = 2_000_000

/** The text of a PDF's pages. */
export interface ExtractedText {
  /** UTF-8: the pages in their order, with a form feed between them; undefined when they have no text. */
  content: Uint8Array | undefined
  words: number
  characters: number
  /** Pages that could not be read, of those that were tried. */
  brokenPages: number
  /** Pages that were tried. */
  triedPages: number
  /** False when pages were broken, or a limit left some out. */
  isComplete: boolean
}

/** Reads page after page; `onPage` hears of each before it is read, and of how many there will be. */
export async function extractText(
  document: PDFDocumentProxy,
  onPage: (page: number, pages: number) => void,
): Promise<ExtractedText> {
  const pages = Math.min(document.numPages, maxPages)
  const chunks: Buffer[] = []
  let [words, characters, brokenPages, triedPages, bytes] = [0, 0, 0, 0, 0]
  let isComplete = pages === document.numPages
  while (triedPages < pages) {
    triedPages++
    onPage(triedPages, pages)
    const page = await readPage(document, triedPages)
    if (page === undefined) brokenPages++
    const counted = count(page?.text ?? '')
    const chunk = Buffer.from(triedPages === 1 ? counted.text : `\f${counted.text}`)
    const fits = bytes + chunk.length <= maxBytes
    if (fits) {
      words += counted.words
      characters += counted.characters
      bytes += chunk.length
      chunks.push(chunk)
    }
    if (!fits || page?.isWhole === false) {
      // What is left of a page that was not read to its end would hold up the pages after it.
      isComplete = false
      break
    }
  }
  return {
    content: characters === 0 ? undefined : Buffer.concat(chunks),
    words,
    characters,
    brokenPages,
    triedPages,
    isComplete: isComplete && brokenPages === 0,
  }
}

/** undefined when the page cannot be read. */
async function readPage(document: PDFDocumentProxy, number: number): Promise<PageText | undefined> {
  let page: PDFPageProxy | undefined
  try {
    page = await document.getPage(number)
    return await readLines(page)
  } catch {
    return undefined
  } finally {
    page?.cleanup()
  }
}

interface PageText {
  /** The lines as pdf.js finds them, each ended by a line feed. */
  text: string
  /** False when there is more of it than is read. */
  isWhole: boolean
}

/** As getTextContent() of pdf.js, which has no bound. */
async function readLines(page: PDFPageProxy): Promise<PageText> {
  // Its type in pdf.js is any stream's.
  const reader = (page.streamTextContent() as ReadableStream<TextChunk>).getReader()
  let text = ''
  while (text.length <= maxPageLength) {
    const { value, done } = await reader.read()
    if (done) return { text: ended(text), isWhole: true }
    for (const item of value.items) text += item.hasEOL ? `${item.str}\n` : item.str
  }
  await reader.cancel(new Error('Too long'))
  return { text: ended(text.slice(0, maxPageLength)), isWhole: false }
}

interface TextChunk {
  items: { str: string; hasEOL: boolean }[]
}

function ended(text: string): string {
  const trimmed = text.trimEnd()
  return trimmed === '' ? '' : `${trimmed}\n`
}
