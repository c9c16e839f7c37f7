import { setImmediate } from 'node:timers'
import type { PDFPageProxy, RenderTask } from 'pdfjs-dist'
import { AnnotationMode } from 'pdfjs-dist/legacy/build/pdf.mjs'
import { type Canvases, createCanvas } from './canvases.ts'
import { PageImages } from './images.ts'

/** Pixels. */
const maxWidth = 1024
/** Of the picture, whatever the page's shape. */
const maxPixels = 3_000_000
/** libwebp takes no more in either direction. */
const maxSide = 16_383
/** Pixels a point, of a page as small as a stamp. */
const maxScale = 4
/** Of a page that is drawn; one that takes longer gets no picture. */
const maxMilliseconds = 15_000
/** Of a page that is drawn, so that the time seldom decides: a page of a book has thousands, a form some ten thousand. */
const maxOperators = 200_000
/** Milliseconds between looks at the time and the images. */
const interval = 10
/** Of the page's area, to take a page without text for a scanned one. */
const scannedShare = 0.5

/** The first page as a picture. */
export interface Preview {
  /** WebP, on white. */
  content: Uint8Array
  width: number
  height: number
  /** Whether an image covers at least half the page. */
  isMostlyImage: boolean
}

/**
 * Draws a page with the canvases of its document.
 * @returns undefined where nothing is to be seen of it, or @napi-rs/canvas is not installed
 * @throws an Error where it cannot be drawn, or not in the time and memory there are: pdf.js may go on decoding its images
 *   then, until the thread ends
 */
export async function drawPage(page: PDFPageProxy, canvases: Canvases): Promise<Preview | undefined> {
  if (createCanvas === undefined) return undefined
  const { width, height, viewport } = sizeOf(page)
  const canvas = createCanvas(width, height)
  const images = new PageImages(page)
  try {
    const task = page.render({
      // pdf.js knows the canvas of browsers; this one has what it needs.
      canvas: canvas as never,
      viewport,
      background: 'white',
      annotationMode: AnnotationMode.ENABLE,
      recordImages: true,
      operationsFilter: (index, operators) => {
        const { length } = operators.fnArray
        if (length > maxOperators)
          throw new Error(`Expected at most ${maxOperators} operators, got ${length}`)
        return images.filter(index, operators)
      },
    })
    await untilDrawn(task, images)
    if (canvases.isExceeded || images.areTooLarge())
      throw new Error('Expected a page that can be drawn in the memory there is, got one that takes more')
    if (isBlank(canvas.data())) return undefined
    const isMostlyImage = shareOfImages(page) >= scannedShare
    return { content: await canvas.encode('webp', 80), width, height, isMostlyImage }
  } finally {
    // Its pixels are native memory, of which the garbage collector knows nothing.
    canvas.width = canvas.height = 0
    canvases.clear()
    images.free()
    page.cleanup()
  }
}

function sizeOf(page: PDFPageProxy) {
  const { width, height } = page.getViewport({ scale: 1 })
  const scale = Math.min(
    maxScale,
    maxWidth / width,
    maxSide / height,
    Math.sqrt(maxPixels / (width * height)),
  )
  const whole = (pixels: number) => Math.max(1, Math.round(pixels))
  return {
    width: whole(width * scale),
    height: whole(height * scale),
    viewport: page.getViewport({ scale }),
  }
}

/**
 * pdf.js asks between the parts of a page, each of some milliseconds, whether it may go on. Without a turn of the loop
 * nothing native that was collected is freed.
 */
async function untilDrawn(task: RenderTask, images: PageImages): Promise<void> {
  let last = performance.now()
  const end = last + maxMilliseconds
  task.onContinue = (draw: () => void) => {
    const now = performance.now()
    if (now - last < interval) return draw()
    last = now
    if (now > end || images.areTooLarge()) task.cancel()
    else setImmediate(draw)
  }
  await task.promise
}

/** White all over: an image too large to be drawn, or a page with nothing on it. */
function isBlank(pixels: Buffer): boolean {
  return new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.length / 4).every(
    (pixel) => pixel === 0xffffffff,
  )
}

/** The share of the page that its largest image covers: pdf.js gives three corners of each, as shares of the page. */
function shareOfImages({ imageCoordinates }: PDFPageProxy): number {
  const corners = (imageCoordinates ?? []) as ArrayLike<number>
  let largest = 0
  for (let at = 0; at + 5 < corners.length; at += 6) {
    const corner = (index: number) => corners[at + index]!
    const [right, down] = [corner(2) - corner(0), corner(3) - corner(1)]
    const [across, along] = [corner(4) - corner(0), corner(5) - corner(1)]
    largest = Math.max(largest, Math.abs(right * along - across * down))
  }
  return largest
}
