import { closeSync, fstatSync, openSync } from 'node:fs'
import { readAt } from './read.ts'
import { readWal, type Wal } from './wal.ts'

/** What SQLite makes its pages where nobody says otherwise, which afterwork never does. */
const usualSize = 4_096
export const magicText = 'SQLite format 3\0'

/** What the first bytes of a database say, as far as it matters here. */
export interface Header {
  applicationId: number
  version: number
  freelist: { first: number; count: number }
}

/** The pages of a database file and of its WAL, read as they are, whatever SQLite thinks of them; nothing is written. */
export class Pages {
  readonly size: number
  /** Commits of the WAL are sound that SQLite would pass over. */
  readonly torn: boolean
  /** Whether commits behind a damage of the WAL count; otherwise pages are as SQLite reads them. */
  whole = true
  readonly #file: number
  readonly #walFile: number | undefined
  readonly #fileSize: number
  readonly #wal: Wal

  constructor(file: string) {
    this.#file = openSync(file, 'r')
    try {
      this.#fileSize = fstatSync(this.#file).size
      const head = readAt(this.#file, 0, 100)
      const claimed = head?.toString('latin1', 0, 16) === magicText ? head.readUInt16BE(16) : 0
      this.#wal = readWal(`${file}-wal`, usualSize)
      const sizes = [this.#wal.pageSize, claimed === 1 ? 65_536 : claimed]
      this.size = sizes.find((size) => size !== undefined && isPageSize(size)) ?? usualSize
      this.torn = this.#wal.torn
      this.#walFile = this.#wal.whole.size > 0 ? openSync(`${file}-wal`, 'r') : undefined
    } catch (error) {
      closeSync(this.#file)
      throw error
    }
  }

  get count(): number {
    const pages = this.whole ? this.#wal.wholePages : this.#wal.chainedPages
    return pages > 0 ? pages : Math.ceil(this.#fileSize / this.size)
  }

  /** Undefined where even the first bytes are damaged. */
  get header(): Header | undefined {
    const page = this.read(1)
    if (page === undefined || page.toString('latin1', 0, 16) !== magicText) return undefined
    return {
      applicationId: page.readUInt32BE(68),
      version: page.readUInt32BE(60),
      freelist: { first: page.readUInt32BE(32), count: page.readUInt32BE(36) },
    }
  }

  /** The content of a page, with zeros where the file was cut off; undefined for one that there is not, or is on a bad sector. */
  read(page: number): Buffer | undefined {
    const offset = (this.whole ? this.#wal.whole : this.#wal.chained).get(page)
    const at = (page - 1) * this.size
    if (offset === undefined && (page < 1 || at >= this.#fileSize)) return undefined
    if (offset !== undefined && this.#walFile !== undefined) return readAt(this.#walFile, offset, this.size)
    return readAt(this.#file, at, this.size)
  }

  close(): void {
    closeSync(this.#file)
    if (this.#walFile !== undefined) closeSync(this.#walFile)
  }
}

function isPageSize(size: number): boolean {
  return size >= 512 && size <= 65_536 && (size & (size - 1)) === 0
}
