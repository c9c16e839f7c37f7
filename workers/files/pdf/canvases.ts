import type { Canvas, SKRSContext2D } from '@napi-rs/canvas'

/** Bytes of all canvases that are in use at a time: an image of 16 megapixels and what it is scaled in take 84 MB. */
const maxBytes = 120_000_000
/** Bytes that a canvas takes beside its pixels, of which there are four bytes each. */
const bytesEach = 150_000

const library = await import('@napi-rs/canvas').catch(() => undefined)

/** Makes a canvas; undefined where @napi-rs/canvas is not installed. */
export const createCanvas = library?.createCanvas

/** A canvas as pdf.js holds it: both are null once it is given back. */
export interface CanvasEntry {
  canvas: Canvas | null
  context: SKRSContext2D | null
}

/**
 * The canvases that pdf.js draws images, masks and groups in before they come to the page: a CanvasFactory of its
 * getDocument(). One that is given back is used again, because a canvas, be it empty, holds 140 kB of native memory until
 * a garbage collection that knows nothing of them, and pages of strips or of bitmap letters take thousands.
 */
export class Canvases {
  /** In use, with the bytes that each is counted as. */
  readonly #used = new Map<Canvas, number>()
  readonly #free: Canvas[] = []
  #bytes = 0
  #isExceeded = false

  /** Whether more were wanted at a time than may be: then what was drawn is no picture of the page. */
  get isExceeded(): boolean {
    return this.#isExceeded
  }

  /** Throws an Error the first time that they take more than 120 MB together. */
  create(width: number, height: number): { canvas: Canvas; context: SKRSContext2D } {
    if (width <= 0 || height <= 0) throw new RangeError(`Expected a size in pixels, got ${width} x ${height}`)
    const canvas = this.#free.pop() ?? createCanvas!(0, 0)
    this.#used.set(canvas, 0)
    const context = canvas.getContext('2d')
    // A new size clears all but what the getters of its colours say, which pdf.js copies from canvas to canvas.
    context.reset()
    this.#resize(canvas, width, height)
    return { canvas, context }
  }

  /** Gives a canvas that is in use another size, and clears it. */
  reset({ canvas }: CanvasEntry, width: number, height: number): void {
    if (canvas !== null) this.#resize(canvas, width, height)
  }

  /** Takes a canvas back. */
  destroy(entry: CanvasEntry): void {
    const { canvas } = entry
    entry.canvas = entry.context = null
    if (canvas === null || !this.#used.has(canvas)) return
    this.#release(canvas)
    this.#free.push(canvas)
  }

  /** The context of the page's own canvas. */
  getNoAlphaContext(canvas: Canvas): SKRSContext2D {
    return canvas.getContext('2d', { alpha: false })
  }

  /** Frees the pixels of all that were not given back. */
  clear(): void {
    for (const canvas of this.#used.keys()) this.#release(canvas)
    this.#free.length = 0
  }

  #resize(canvas: Canvas, width: number, height: number): void {
    const bytes = 4 * width * height + bytesEach
    const others = this.#bytes - this.#used.get(canvas)!
    const fits = others + bytes <= maxBytes
    if (!fits && !this.#isExceeded) {
      this.#isExceeded = true
      throw new Error(`Expected a page drawn in at most ${maxBytes} bytes, got ${others + bytes}`)
    }
    // pdf.js makes more of them while it clears up after an error, and another one there would be caught by nobody.
    canvas.width = 0
    canvas.height = fits ? height : 1
    canvas.width = fits ? width : 1
    const counted = fits ? bytes : bytesEach
    this.#used.set(canvas, counted)
    this.#bytes = others + counted
  }

  #release(canvas: Canvas): void {
    canvas.width = canvas.height = 0
    this.#bytes -= this.#used.get(canvas)!
    this.#used.delete(canvas)
  }
}
