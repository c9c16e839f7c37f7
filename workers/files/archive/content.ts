import { fileTypeFromBuffer } from 'file-type'
import { decodeText } from '../kind/decoding.ts'
import { encodingOf } from '../kind/encoding.ts'
import { textKind } from '../kind/text.ts'

/** What is inside a gzip file. */
export interface ContentKind {
  /** Without the dot, such as `tar`, `csv` or `txt`. */
  extension: string
  mime: string
  /** Of what is text: a label of the WHATWG Encoding Standard. */
  encoding?: string
}

const sampleSize = 64 * 1024
const archives = new Set([
  'zip',
  'gz',
  '7z',
  'rar',
  'bz2',
  'xz',
  'zst',
  'lz',
  'lz4',
  'cpio',
  'ar',
  'deb',
  'rpm',
  'jar',
  'apk',
])

/** Keeps the first 64 kB of a content that comes in chunks, and says what it is. */
export class ContentSample {
  #chunks: Buffer[] = []
  #size = 0
  #decided = false

  get decided(): boolean {
    return this.#decided
  }

  /** All that was added. */
  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** Returns whether there is enough now. */
  add(chunk: Buffer): boolean {
    if (!this.#decided) this.#chunks.push(chunk)
    this.#size += chunk.length
    return this.#size >= sampleSize
  }

  /** @param complete whether there is no more */
  async decide(complete: boolean): Promise<ContentKind | undefined> {
    this.#decided = true
    const head = this.bytes.subarray(0, sampleSize)
    if (head.length === 0) return undefined
    const none = Buffer.alloc(0)
    const size = complete ? head.length : this.#size
    const text = encodingOf({ head, middle: none, end: none, size })
    if (text?.certain !== true) {
      const type = await fileTypeFromBuffer(head).catch(() => undefined)
      if (type !== undefined) return { extension: type.ext, mime: type.mime }
    }
    if (text === undefined) return undefined
    const decoded = decodeText(head.subarray(text.bom), text.encoding)
    const sample = { head: decoded, middle: '', end: '', complete: complete && this.#size <= sampleSize }
    const { extension, mime, encoding } = textKind(sample, text.encoding)
    return { extension, mime, ...(encoding !== undefined && { encoding }) }
  }
}

/** Whether a content is an archive once more. */
export function isArchive({ extension }: ContentKind): boolean {
  return archives.has(extension)
}
