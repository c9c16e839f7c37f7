import type { PDFPageProxy } from 'pdfjs-dist'
import { OPS } from 'pdfjs-dist/legacy/build/pdf.mjs'

/** The images of one page together, A4 at nearly 500 dpi: to decode them takes up to 10 bytes a pixel. */
const maxPixels = 24_000_000
/** The same, decoded; those without a mask take less. */
const maxBytes = 4 * maxPixels

/** As pdf.js says what is to be drawn: the list of a page, or of the pattern that an argument in it holds. */
interface Operators {
  fnArray: number[]
  argsArray: unknown[][]
}

/** As pdf.js keeps it; what it keeps of an image that is broken has no data. */
interface DecodedImage {
  data?: Uint8Array<ArrayBuffer> | null
}

/**
 * The images that a page shows. pdf.js decodes them side by side, and lets go of none before the page is drawn. Whether
 * they are too large does not depend on the moment at which it is asked, as long as it is asked once more at the end.
 */
export class PageImages {
  readonly #page: PDFPageProxy
  readonly #known = new Set<unknown>()
  #next = 0
  #pixels = 0

  constructor(page: PDFPageProxy) {
    this.#page = page
  }

  /**
   * A filter for render(), which lets all operators through, and throws an Error as soon as it hears of images that are
   * too large together: before they are decoded.
   */
  readonly filter = (_: number, operators: Operators): boolean => {
    this.#look(operators, this.#next)
    this.#next = operators.fnArray.length
    if (this.#pixels > maxPixels)
      throw new Error(`Expected images of at most ${maxPixels} pixels, got ${this.#pixels}`)
    return true
  }

  /**
   * Whether they have more than 24 megapixels together, or take more than 96 MB where they are decoded: of masks, and of
   * images inside letters, the operators do not say the size.
   */
  areTooLarge(): boolean {
    let bytes = 0
    for (const { byteLength } of this.#decoded()) bytes += byteLength
    return this.#pixels > maxPixels || bytes > maxBytes
  }

  /** Frees them, which the garbage collector may leave until the next file needs the room; nothing can be drawn any more. */
  free(): void {
    for (const { buffer } of this.#decoded()) buffer.transfer(0)
  }

  #look({ fnArray, argsArray }: Operators, from = 0): void {
    for (let at = from; at < fnArray.length; at++) {
      const args = argsArray[at]
      if (fnArray[at] === OPS.paintImageXObject) {
        const [id, width, height] = args as [string, number, number]
        if (!this.#known.has(id)) this.#pixels += width * height
        this.#known.add(id)
      } else if (args?.[0] === 'TilingPattern' && !this.#known.has(args[2])) {
        this.#known.add(args[2])
        this.#look(args[2] as Operators)
      }
    }
  }

  *#decoded(): Iterable<Uint8Array<ArrayBuffer>> {
    const { objs, commonObjs } = this.#page
    for (const objects of [objs, commonObjs] as Iterable<[string, DecodedImage | null]>[])
      for (const [id, object] of objects) if (id.includes('img_') && object?.data) yield object.data
  }
}
