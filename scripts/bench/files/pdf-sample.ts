import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import PDFDocument from 'pdfkit'
import { randomFrom } from './random.ts'

const words =
  'a and as at before cable close contact cover device do earth for from hold if in indicator into is it lever light mains not of on only open or part plug press remove screw shows socket switch the then this to turn until valve water when with you'.split(
    ' ',
  )

/** Writes a PDF of so many pages, such as a manual: a title, headings, and paragraphs in two columns. */
export async function writePdf(path: string, pages: number): Promise<void> {
  const random = randomFrom(521_288_629)
  const document = new PDFDocument({ size: 'A4', info: { Title: 'A manual' } })
  function paragraph(length: number): string {
    const text = Array.from({ length }, () => words[random() % words.length]).join(' ')
    return `${text[0]!.toUpperCase()}${text.slice(1)}.`
  }
  const written = pipeline(document, createWriteStream(path))
  for (let page = 1; page <= pages; page++) {
    if (page > 1) document.addPage()
    document
      .font('Helvetica-Bold')
      .fontSize(14)
      .text(`${page}  ${paragraph(4)}`, 72, 72)
    document.font('Times-Roman').fontSize(10)
    const text = Array.from({ length: 5 }, () => paragraph(60 + (random() % 40))).join('\n')
    document.text(text, 72, 110, { columns: 2, width: 450, height: 650 })
  }
  document.end()
  await written
}
