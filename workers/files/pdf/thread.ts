import './quiet.ts'
import { parentPort } from 'node:worker_threads'
import type { PDFDocumentProxy } from 'pdfjs-dist'
import type { Canvases } from './canvases.ts'
import { describeDocument } from './description.ts'
import { closeDocument, openDocument } from './document.ts'
import { drawPage, type Preview } from './preview.ts'
import type { ParseRequest, ParserMessage } from './protocol.ts'
import { extractText } from './text.ts'

/** Milliseconds between pages that are told of: a message costs as much as some lines of text. */
const pageInterval = 20

/** The thread in which a PDF is read, described and drawn: parser.ts starts it. */
const port = parentPort!

// pdf.js looks for another way around what is broken, and leaves promises behind that nobody waits for. They must not end
// the thread: that would fail a file that can be read, or the one after it.
process.on('unhandledRejection', () => {})

port.on('message', (request: ParseRequest) => void answer(request))
say({ type: 'ready' })

async function answer(request: ParseRequest): Promise<void> {
  try {
    say({ type: 'done', preview: await parse(request) })
  } catch (error) {
    // The errors of pdf.js are of classes of its own, some with what cannot be sent.
    say({ type: 'failed', cause: new Error(error instanceof Error ? error.message : String(error)) })
  }
}

async function parse({ data, draw }: ParseRequest): Promise<Preview | undefined> {
  const { headerVersion, document } = await openDocument(data)
  if (document === undefined) {
    const version = headerVersion === undefined ? {} : { version: headerVersion }
    say({
      type: 'read',
      read: { description: { ...version, encrypted: true, locked: true }, text: undefined },
    })
    return undefined
  }
  try {
    await read(document, headerVersion)
    return draw ? await drawFirst(document) : undefined
  } finally {
    await closeDocument(document)
  }
}

async function read(document: PDFDocumentProxy, headerVersion: string | undefined): Promise<void> {
  const description = await describeDocument(document, headerVersion)
  const text = await extractText(
    document,
    atMostEvery(pageInterval, (page, pages) => say({ type: 'page', page, pages })),
  )
  say({ type: 'read', read: { description, text } })
}

async function drawFirst(document: PDFDocumentProxy): Promise<Preview | undefined> {
  const page = await document.getPage(1).catch(() => undefined)
  return page && (await drawPage(page, document.canvasFactory as Canvases))
}

/** Lets the first call through, and later ones that come long enough after the last that was. */
function atMostEvery<A extends unknown[]>(
  milliseconds: number,
  call: (...args: A) => void,
): (...args: A) => void {
  let last = -Infinity
  return (...args) => {
    const now = performance.now()
    if (now - last < milliseconds) return
    last = now
    call(...args)
  }
}

function say(message: ParserMessage): void {
  port.postMessage(message)
}
