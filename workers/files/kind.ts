import { encodingOf } from './kind/encoding.ts'
import { decodeText } from './kind/decoding.ts'
import { sampleOf, type Sample } from './kind/sample.ts'
import { beginsAsPdf, containsPdf, pdfKind, signatureOf } from './kind/signature.ts'
import { textKind } from './kind/text.ts'

/** Which reader a file is for; `other` has none. */
export type Family = 'image' | 'table' | 'pdf' | 'archive' | 'text' | 'other'

/** What a file is by its content, whatever its name and the client say. */
export interface Kind {
  family: Family
  /** Without the dot, such as `jpg` or `csv`. */
  extension: string
  mime: string
  /** Of what is text: a label of the WHATWG Encoding Standard, such as `utf-8` or `windows-1252`; or `utf-32le`, `utf-32be`. */
  encoding?: string
}

/**
 * Looks at the content of a file: at most 96 kB of it, and the headers within a zip or an image.
 *
 * Text is text though it may begin as some binary formats do ("BMW", "GIF89a was"); everything else is what its first bytes
 * say. The same content always gives the same kind.
 * @returns null when nothing is known of it, or there is none
 * @throws the system's error, such as ENOENT
 */
export async function kindOf(path: string): Promise<Kind | null> {
  const sample = await sampleOf(path)
  const { head } = sample
  if (head.length === 0) return null
  if (beginsAsPdf(head)) return pdfKind
  const text = encodingOf(sample)
  if (text?.certain !== true || isArArchive(head)) {
    const kind = await signatureOf(path, head)
    if (kind !== null) return kind
  }
  if (containsPdf(head, text !== undefined)) return pdfKind
  if (text === undefined) return null
  return textKind(decodeSample(sample, text.encoding, text.bom), text.encoding)
}

/** Its headers are text, and so may be what it holds; but nobody begins a letter like that. */
function isArArchive(head: Buffer): boolean {
  return head.toString('latin1', 0, 8) === '!<arch>\n'
}

function decodeSample({ head, middle, end }: Sample, encoding: string, bom: number) {
  return {
    head: decodeText(head.subarray(bom), encoding),
    middle: decodeText(middle, encoding),
    end: decodeText(end, encoding),
    complete: end.length === 0,
  }
}
