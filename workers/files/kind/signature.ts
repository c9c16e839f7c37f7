import { fileTypeFromFile } from 'file-type'
import type { Kind } from '../kind.ts'

const images = new Set([
  'image/jpeg',
  'image/png',
  'image/apng',
  'image/webp',
  'image/avif',
  'image/gif',
  'image/tiff',
])

/** What is a zip inside, by file-type's name for it. */
const zips = new Set(
  `zip docx docm dotx dotm xlsx xlsm xltx xltm pptx pptm ppsx ppsm potx potm vsdx odt ott ods ots odp otp odg otg epub jar
  apk xpi 3mf pages key numbers`.split(/\s+/),
)

/** What file-type knows that is text: whether the file is text has been decided before. */
const texts = new Set(['xml', 'rtf', 'vcf', 'ics', 'vtt', 'ps', 'eps', 'reg', 'pgp', 'stl'])

/** The kind of every PDF, however it was recognised. */
export const pdfKind = { family: 'pdf', extension: 'pdf', mime: 'application/pdf' } as const

/** Readers of PDFs take a header within so many bytes for one, for mail and printers put something before it. */
const pdfHeaderWithin = 1024

/** A PDF header at the very beginning. */
export function beginsAsPdf(head: Buffer): boolean {
  return /^%PDF-\d/.test(head.toString('latin1', 0, 8))
}

/**
 * A PDF with something before its header. Of what is text, only that which has it on a line of its own and goes on as
 * PDFs do: others may speak of them.
 */
export function containsPdf(head: Buffer, isText: boolean): boolean {
  const at = head.toString('latin1', 0, pdfHeaderWithin + 8).search(/%PDF-\d\.\d/)
  if (at < 0 || at >= pdfHeaderWithin) return false
  if (!isText) return true
  const rest = head.toString('latin1', Math.max(0, at - 1))
  return /^(?:%|[\r\n]%)[^\r\n]{0,20}[\r\n](?:[^]*[\r\n])?\d+ \d+ obj\b/.test(rest)
}

/**
 * The kind of a file by the signature of a binary format, or null. file-type bounds its work on hostile files: 1024 entries
 * of a zip, 512 chunks of a PNG; gzip is not asked about, for file-type would inflate some of it.
 * @throws the system's error, such as ENOENT
 */
export async function signatureOf(path: string, head: Buffer): Promise<Kind | null> {
  if (head.subarray(0, 3).equals(Buffer.from([0x1f, 0x8b, 0x08]))) {
    return { family: 'archive', extension: 'gz', mime: 'application/gzip' }
  }
  const type = await fileTypeFromFile(path).catch(rethrowOfSystem)
  if (type === undefined || texts.has(type.ext)) return null
  const { ext: extension, mime } = type
  if (mime === 'application/pdf') return pdfKind
  if (extension === 'heic' && isAvif(head)) return { family: 'image', extension: 'avif', mime: 'image/avif' }
  // file-type looks beyond an ID3 tag, and finds what a hostile file has there; the first bytes decide.
  if (head.toString('latin1', 0, 3) === 'ID3' && !mime.startsWith('audio/')) {
    return { family: 'other', extension: 'mp3', mime: 'audio/mpeg' }
  }
  return { family: familyOf(extension, mime), extension, mime }
}

function familyOf(extension: string, mime: string): Kind['family'] {
  if (images.has(mime)) return 'image'
  return zips.has(extension) || extension === 'tar' ? 'archive' : 'other'
}

/** Some encoders give the general brand mif1 and name AVIF among the compatible ones. */
function isAvif(head: Buffer): boolean {
  const length = Math.min(head.readUInt32BE(0), head.length, 256)
  for (let at = 16; at + 4 <= length; at += 4) {
    const brand = head.toString('latin1', at, at + 4)
    if (brand === 'avif' || brand === 'avis') return true
  }
  return false
}

/** file-type's own errors mean that the file is not what its first bytes promise. */
function rethrowOfSystem(error: NodeJS.ErrnoException): undefined {
  if (error.syscall !== undefined) throw error
}
