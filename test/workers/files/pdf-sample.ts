import { createDeflate } from 'node:zlib'
import PDFDocument from 'pdfkit'

/** What pdfkit writes when it is told so. */
export async function written(
  write: (document: PDFKit.PDFDocument) => void,
  options: PDFKit.PDFDocumentOptions = {},
): Promise<Buffer> {
  const document = new PDFDocument({ size: 'A4', ...options })
  write(document)
  document.end()
  return Buffer.concat(await document.toArray())
}

/** A PDF of objects as they are given, the first of which is its catalog. */
export function assembled(objects: readonly (string | Buffer)[], trailer = ''): Buffer {
  const parts = [Buffer.from('%PDF-1.7\n')]
  const offsets: number[] = []
  let length = parts[0]!.length
  for (const [index, object] of objects.entries()) {
    offsets.push(length)
    const part = Buffer.concat([
      Buffer.from(`${index + 1} 0 obj\n`),
      Buffer.from(object),
      Buffer.from('\nendobj\n'),
    ])
    parts.push(part)
    length += part.length
  }
  const entries = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('')
  const size = objects.length + 1
  parts.push(
    Buffer.from(
      `xref\n0 ${size}\n0000000000 65535 f \n${entries}trailer\n<< /Size ${size} /Root 1 0 R ${trailer} >>\nstartxref\n${length}\n%%EOF\n`,
    ),
  )
  return Buffer.concat(parts)
}

/** A stream object; its length is what it says, or the true one. */
export function stream(dictionary: string, content: string | Buffer, length?: number): Buffer {
  const bytes = Buffer.from(content)
  return Buffer.concat([
    Buffer.from(`<< ${dictionary} /Length ${length ?? bytes.length} >> stream\n`),
    bytes,
    Buffer.from('\nendstream'),
  ])
}

/** A PDF of one page with that content, on which Helvetica is F and an object more is the image I. */
export function onePage(content: Buffer, image: string | Buffer = 'null'): Buffer {
  return pageWith('/XObject << /I 6 0 R >>', content, [image])
}

/** A PDF of one A4 page with that content, on which Helvetica is F, with more resources and objects: the first has number 6. */
export function pageWith(resources: string, content: Buffer, objects: readonly (string | Buffer)[]): Buffer {
  return assembled([
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> ${resources} >> >>`,
    content,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    ...objects,
  ])
}

/** An image object of one grey, in RGB. */
export async function greyImage(grey: number, width: number, height: number): Promise<Buffer> {
  return stream(
    `/Type /XObject /Subtype /Image /Width ${width} /Height ${height} /BitsPerComponent 8 /ColorSpace /DeviceRGB /Filter /FlateDecode`,
    await deflated(Buffer.alloc(3 * width, grey), height),
  )
}

/** Says a word in Helvetica. */
export function saying(word: string): string {
  return `BT /F 24 Tf 72 700 Td (${word}) Tj ET\n`
}

/** The same piece so many times, deflated. */
export async function deflated(piece: Buffer, times: number): Promise<Buffer> {
  const deflate = createDeflate()
  const output = deflate.toArray()
  for (let time = 0; time < times; time++) {
    if (!deflate.write(piece)) await new Promise((resolve) => deflate.once('drain', resolve))
  }
  deflate.end()
  return Buffer.concat(await output)
}
