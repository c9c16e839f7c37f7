import { fileURLToPath } from 'node:url'
import type { PDFDocumentProxy } from 'pdfjs-dist'
import { getDocument, VerbosityLevel } from 'pdfjs-dist/legacy/build/pdf.mjs'
import { Canvases } from './canvases.ts'

/** The largest image inside a page that is drawn, A4 at 400 dpi: drawing one takes about 16 bytes a pixel. */
const maxImagePixels = 16_000_000

/** A PDF as far as it can be opened. */
export interface OpenedPdf {
  /** Of the file's header, such as `1.7`; the document may overrule it. */
  headerVersion: string | undefined
  /** undefined when it is encrypted, and not with the empty password. */
  document: PDFDocumentProxy | undefined
}

/** Opens a PDF, whose bytes pdf.js takes for itself; throws the error of pdf.js for what is none. */
export async function openDocument(data: Uint8Array): Promise<OpenedPdf> {
  const headerVersion = versionOf(data)
  const task = getDocument({
    data,
    verbosity: VerbosityLevel.ERRORS,
    maxImageSize: maxImagePixels,
    disableWorkerRendering: true,
    CanvasFactory: Canvases,
    // What is installed on the machine makes no difference.
    useSystemFonts: false,
    disableFontFace: true,
    standardFontDataUrl: folder('standard_fonts'),
    cMapUrl: folder('cmaps'),
    wasmUrl: folder('wasm'),
    iccUrl: folder('iccs'),
  })
  try {
    return { headerVersion, document: await task.promise }
  } catch (error) {
    await task.destroy().catch(() => {})
    if (isLocked(error)) return { headerVersion, document: undefined }
    throw error
  }
}

/** Lets go of all that a document holds; it may be as broken as it likes. */
export async function closeDocument(document: PDFDocumentProxy): Promise<void> {
  await document.loadingTask.destroy().catch(() => {})
}

function versionOf(data: Uint8Array): string | undefined {
  return /%PDF-(\d\.\d)/.exec(Buffer.from(data.subarray(0, 1024)).toString('latin1'))?.[1]
}

/** A password that nobody gave, or a kind of encryption that pdf.js does not know, is no defect of the file. */
function isLocked(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'PasswordException' || /\bencryption (method|algorithm)/i.test(error.message))
  )
}

/** Of pdf.js; it reads files by their paths, and wants a slash at the end. */
function folder(name: string): string {
  return fileURLToPath(import.meta.resolve(`pdfjs-dist/${name}/`)).replaceAll('\\', '/')
}
