import { fileURLToPath } from 'node:url'
import PDFDocument from 'pdfkit'
import { pdfText } from './pdf-text.ts'

/** Points from the edges of a page. */
export const margin = 42
/** A4, in points. */
export const pageWidth = 595.28
const pageHeight = 841.89
/** What the line at the foot of each page takes. */
const foot = 24

export const contentWidth = pageWidth - 2 * margin

/** The colours of a report on paper. */
export const colours = {
  ink: '#1c2430',
  soft: '#5b6675',
  rule: '#dde2e8',
  tile: '#f5f7f9',
  bar: '#2f6fb3',
  muted: '#a9b4c1',
  note: '#b7791f',
}

/** How a text looks. */
export interface Look {
  /** Points; by default 9. */
  size?: number
  bold?: boolean
  colour?: string
}

/** Where a text of one line stands: `x` is its left, middle or right; what is wider than `width` is cut. */
export interface Place {
  x: number
  y: number
  width?: number
  anchor?: 'start' | 'middle' | 'end'
}

/**
 * A PDF document that is filled from above, with the font Liberation Sans (Open Font License) of pdfjs-dist embedded:
 * the standard fonts of PDF have the letters of Western Europe only. What it lacks is shown as `□`.
 */
export class Sheet {
  /** Where the next thing may begin, in points from the top of the page. */
  y = margin
  readonly document: PDFKit.PDFDocument
  readonly #bytes: Promise<Buffer>

  constructor(title: string, date: Date) {
    this.document = new PDFDocument({
      size: 'A4',
      margin: 0,
      bufferPages: true,
      pdfVersion: '1.7',
      lang: 'en',
      displayTitle: true,
      info: { Title: title, Creator: 'afterwork', Producer: 'pdfkit', CreationDate: date, ModDate: date },
      font: fontPath('Regular'),
    })
    this.document.registerFont('regular', fontPath('Regular')).registerFont('bold', fontPath('Bold'))
    const chunks: Buffer[] = []
    this.#bytes = new Promise((resolve, reject) => {
      this.document.on('data', (chunk: Buffer) => chunks.push(chunk))
      this.document.on('end', () => resolve(Buffer.concat(chunks)))
      this.document.on('error', reject)
    })
  }

  /** Begins a new page unless so much height is left on this one; says whether it did. */
  reserve(height: number): boolean {
    if (this.y + height <= pageHeight - margin - foot) return false
    this.document.addPage()
    this.y = margin
    return true
  }

  /** One line, cut with an ellipsis where it is too wide; `y` is the baseline. */
  line(text: string, { x, y, width = Infinity, anchor = 'start' }: Place, look: Look = {}): void {
    this.#use(look)
    const shown = this.#cut(pdfText(text), width)
    if (shown === '') return
    const wide = anchor === 'start' ? 0 : this.document.widthOfString(shown)
    const left = anchor === 'start' ? x : anchor === 'end' ? x - wide : x - wide / 2
    this.document.text(shown, left, y, { lineBreak: false, baseline: 'alphabetic' })
  }

  /** How high a text is that is broken into lines. */
  heightOf(text: string, width: number, look: Look = {}): number {
    this.#use(look)
    return this.document.heightOfString(pdfText(text), { width, lineGap: 2 })
  }

  /** A text that is broken into lines; the caller has reserved the height. */
  paragraph(text: string, x: number, width: number, look: Look = {}): void {
    const height = this.heightOf(text, width, look)
    this.document.text(pdfText(text), x, this.y, { width, lineGap: 2, height: height + 1 })
    this.y += height
  }

  /** Ends the document, with a line at the foot of each page. */
  finish(name: string): Promise<Buffer> {
    const { count } = this.document.bufferedPageRange()
    for (let page = 0; page < count; page++) {
      this.document.switchToPage(page)
      const [y, look] = [pageHeight - margin + 8, { size: 7.5, colour: colours.soft }]
      this.line(name, { x: margin, y, width: contentWidth - 80 }, look)
      this.line(`${page + 1} of ${count}`, { x: pageWidth - margin, y, anchor: 'end' }, look)
    }
    this.document.end()
    return this.#bytes
  }

  #use({ size = 9, bold = false, colour = colours.ink }: Look): void {
    this.document
      .font(bold ? 'bold' : 'regular')
      .fontSize(size)
      .fillColor(colour)
  }

  #cut(text: string, width: number): string {
    if (width === Infinity || this.document.widthOfString(text) <= width) return text
    const characters = Array.from(text)
    let [fits, tooMany] = [0, characters.length]
    while (tooMany - fits > 1) {
      const middle = (fits + tooMany) >> 1
      const wide = this.document.widthOfString(`${characters.slice(0, middle).join('')}…`)
      if (wide <= width) fits = middle
      else tooMany = middle
    }
    return `${characters.slice(0, fits).join('').trimEnd()}…`
  }
}

function fontPath(weight: 'Regular' | 'Bold'): string {
  return fileURLToPath(import.meta.resolve(`pdfjs-dist/standard_fonts/LiberationSans-${weight}.ttf`))
}
