import PDFDocument from 'pdfkit'

/** A fixed moment, so that each run makes the same bytes. */
const createdAt = new Date('2024-06-01T16:30:15Z')

/** A manual of two pages, and what stands in the way of reading one. */
export async function pdfs(photo: Buffer): Promise<Record<string, Buffer>> {
  const letter = await pdf({ lang: 'en-GB' }, (document) => writeLetter(document))
  return {
    'letter.pdf': letter,
    'letter-half.pdf': letter.subarray(0, Math.floor(letter.length / 2)),
    'letter-locked.pdf': await pdf({ userPassword: 'secret', ownerPassword: 'owner' }, (document) =>
      writeLetter(document),
    ),
    'letter-restricted.pdf': await pdf({ ownerPassword: 'owner', permissions: {} }, (document) =>
      writeLetter(document),
    ),
    'scan.pdf': await pdf({}, (document) => document.image(photo, 0, 0, { cover: [595.28, 841.89] })),
  }
}

function writeLetter(document: PDFKit.PDFDocument): void {
  document.fontSize(24).text('A letter')
  document.moveDown().fontSize(12)
  document.text('Dear reader,').moveDown()
  document.text(
    'this letter has two pages, a title and an author. Its first page has a heading and this ' +
      'paragraph, which is long enough to be broken into several lines by the program that made it.',
  )
  document.outline.addItem('A letter')
  document.addPage().text('The second page says good-bye: thank you for reading, and “all the best”.')
  document.outline.addItem('Good-bye')
}

function pdf(
  options: PDFKit.PDFDocumentOptions,
  write: (document: PDFKit.PDFDocument) => void,
): Promise<Buffer> {
  const info = { Title: 'A letter', Author: 'A. Sample', CreationDate: createdAt, ModDate: createdAt }
  const document = new PDFDocument({ size: 'A4', info, pdfVersion: '1.4', ...options })
  const chunks: Buffer[] = []
  document.on('data', (chunk: Buffer) => chunks.push(chunk))
  const end = new Promise<Buffer>((resolve) => document.once('end', () => resolve(Buffer.concat(chunks))))
  write(document)
  document.end()
  return end
}
