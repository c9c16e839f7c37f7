import { fileError } from '../error.ts'
import { TableRow } from './row.ts'

/** Characters of one row; a quote that is not closed within them is taken for endless. */
export const maxRowLength = 1024 * 1024

/** How rows and cells are told apart. */
export interface Borders {
  /** One character. */
  delimiter: string
  /** null: quotes are characters like all others. */
  quote: '"' | null
  /** `\n` stands for `\r\n`, too. */
  newline: '\n' | '\r'
  /** Lines before the table: a title, or `sep=;`. */
  skip: number
  /** Spaces between a delimiter and an opening quote belong to neither cell. */
  spaced: boolean
}

/** Quotes that do not stand as RFC 4180 has them. */
export interface OddQuotes {
  /** Cells that go on after their closing quote; they are taken as they read without it. */
  stray: number
  /** The number of the first row that has one. */
  first?: number
  /** The number of the row whose last cell was still open when the file ended. */
  unclosed?: number
}

/**
 * Finds rows and cells in text that comes in pieces; holds one row at most.
 *
 * udsv, which is the fastest library, looks for a cell's end by the delimiter alone: a row that lacks a cell swallows the
 * beginning of the next, and a quote that is never closed is held until memory ends. Here each row ends where its line
 * does (RFC 4180, and lenient beyond it as spreadsheets are), and a row has a longest length.
 */
export class TableScanner {
  readonly quotes: OddQuotes = { stray: 0 }
  readonly #delimiter: number
  readonly #quote: number
  readonly #newline: number
  readonly #spaced: boolean
  readonly #onRow: (row: TableRow) => void
  readonly #row = new TableRow()
  #skip: number
  #rest = ''
  /** Of the row at hand, which may have to be scanned again when more of it comes. */
  #strays = 0

  /** @param onRow is given each row that is not blank */
  constructor(borders: Borders, onRow: (row: TableRow) => void) {
    this.#delimiter = borders.delimiter.charCodeAt(0)
    this.#quote = borders.quote === null ? -1 : borders.quote.charCodeAt(0)
    this.#newline = borders.newline.charCodeAt(0)
    this.#spaced = borders.spaced
    this.#skip = borders.skip
    this.#onRow = onRow
  }

  /** @throws TABLE_ENDLESS_QUOTE, TABLE_ROW_TOO_LONG, TABLE_TOO_WIDE */
  write(chunk: string): void {
    this.#scan(this.#rest + chunk, false)
  }

  /** The text is complete. @throws as write() does */
  end(): void {
    this.#scan(this.#rest, true)
  }

  #scan(text: string, last: boolean): void {
    let position = 0
    while (this.#skip > 0) {
      const end = text.indexOf(String.fromCharCode(this.#newline), position)
      if (end === -1) break
      position = end + 1
      this.#skip--
    }
    if (this.#skip === 0) {
      while (position < text.length) {
        const next = this.#scanRow(text, position, last)
        if (next === -1) break
        position = next
      }
    }
    if (last) position = text.length
    this.#rest = text.slice(position)
    if (this.#rest.length > maxRowLength) refuseRow(this.#row.number + 1)
  }

  /** Where the row after this one begins; -1 when this one is not complete yet. */
  #scanRow(text: string, from: number, last: boolean): number {
    const row = this.#row
    const delimiter = this.#delimiter
    const newline = this.#newline
    const length = text.length
    row.begin(text)
    row.number++
    this.#strays = 0
    let position = from
    for (;;) {
      const start = position
      let code = position < length ? text.charCodeAt(position) : -1
      if (code === 32 && this.#spaced) position = this.#quoteAfterSpaces(text, position)
      if (position < length && text.charCodeAt(position) === this.#quote) {
        position = this.#scanQuoted(text, from, position, last)
        if (position === -1) return this.#incomplete()
        code = position < length ? text.charCodeAt(position) : -1
      } else {
        while (position < length) {
          code = text.charCodeAt(position)
          if (code === delimiter || code === newline) break
          position++
        }
        if (position === length) code = -1
        const isCrLf = code === 10 && position > start && text.charCodeAt(position - 1) === 13
        row.push(start, isCrLf ? position - 1 : position)
      }
      if (code === delimiter) {
        position++
        continue
      }
      if (code === -1 && !last) return this.#incomplete()
      break
    }
    if (position - from > maxRowLength) refuseRow(row.number)
    if (this.#strays > 0) {
      this.quotes.stray += this.#strays
      this.quotes.first ??= row.number
    }
    if (!row.isBlank) this.#onRow(row)
    return position + 1
  }

  /** The next piece of the text scans the row again, from its beginning. */
  #incomplete(): -1 {
    this.#row.number--
    return -1
  }

  #quoteAfterSpaces(text: string, start: number): number {
    let position = start
    while (text.charCodeAt(position) === 32) position++
    return text.charCodeAt(position) === this.#quote ? position : start
  }

  /** Where the quoted cell that begins at `start` ends: at a delimiter, a newline or the end; -1 when that is not seen yet. */
  #scanQuoted(text: string, rowStart: number, start: number, last: boolean): number {
    let doubled = false
    let close = start
    for (;;) {
      close = text.indexOf('"', close + 1)
      if (close === -1 || close - rowStart > maxRowLength) {
        if ((close === -1 ? text.length : close) - rowStart > maxRowLength) refuseQuote(this.#row.number)
        if (!last) return -1
        this.quotes.unclosed = this.#row.number
        this.#row.pushMended(text.slice(start + 1).replaceAll('""', '"'))
        return text.length
      }
      if (text.charCodeAt(close + 1) !== 34) break
      doubled = true
      close++
    }
    // Where the text ends here, this may be the first half of a doubled quote: more of it will be scanned anew.
    let end = close + 1
    while (end < text.length) {
      const code = text.charCodeAt(end)
      if (code === this.#delimiter || code === this.#newline) break
      end++
    }
    const isCrLf = text.charCodeAt(end) === 10 && text.charCodeAt(end - 1) === 13
    const after = text.slice(close + 1, isCrLf ? end - 1 : end)
    const isStray = after !== '' && after.trim() !== ''
    if (isStray) this.#strays++
    if (!doubled && !isStray) this.#row.push(start + 1, close)
    else {
      const quoted = text.slice(start + 1, close)
      this.#row.pushMended((doubled ? quoted.replaceAll('""', '"') : quoted) + (isStray ? after : ''))
    }
    return end
  }
}

function refuseRow(row: number): never {
  throw fileError(
    'TABLE_ROW_TOO_LONG',
    `Expected rows of at most ${maxRowLength} characters, got a longer one: row ${row}`,
  )
}

function refuseQuote(row: number): never {
  throw fileError(
    'TABLE_ENDLESS_QUOTE',
    `Expected the quote that opens in row ${row} to close within ${maxRowLength} characters, got none that closes it`,
  )
}
