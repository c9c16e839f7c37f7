import { fileError } from '../error.ts'

/** What spreadsheets hold side by side. */
export const maxColumns = 16_384

/** One row as its scanner found it; the next row overwrites it. */
export class TableRow {
  /** The number of the row as a spreadsheet shows it: from 1, the header and blank rows included. */
  number = 0
  /** How many cells it has. */
  length = 0
  #text = ''
  readonly #starts = new Int32Array(maxColumns)
  readonly #ends = new Int32Array(maxColumns)
  /** Cells that stand nowhere as they read, because of doubled or stray quotes. */
  readonly #mended = new Map<number, string>()

  /** A cell as a string of its own; undefined beyond the last. */
  cell(index: number): string | undefined {
    if (index >= this.length) return undefined
    return this.#mended.get(index) ?? this.#text.slice(this.#starts[index], this.#ends[index])
  }

  cells(): string[] {
    return Array.from({ length: this.length }, (_, index) => this.cell(index)!)
  }

  /** Hands each of the first `count` cells to its reader as a part of a longer text, which saves a string for each. */
  handOut(readers: readonly CellReader[], count: number): void {
    const text = this.#text
    const isMended = this.#mended.size > 0
    for (let index = 0; index < count; index++) {
      const mended = isMended ? this.#mended.get(index) : undefined
      if (mended === undefined) readers[index]!.add(text, this.#starts[index]!, this.#ends[index]!)
      else readers[index]!.add(mended, 0, mended.length)
    }
  }

  /** For the scanner: begins a row of this text. */
  begin(text: string): void {
    this.length = 0
    this.#text = text
    if (this.#mended.size > 0) this.#mended.clear()
  }

  /** For the scanner. @throws TABLE_TOO_WIDE */
  push(start: number, end: number): void {
    if (this.length === maxColumns) {
      throw fileError(
        'TABLE_TOO_WIDE',
        `Expected at most ${maxColumns} columns, got more in row ${this.number}`,
      )
    }
    this.#starts[this.length] = start
    this.#ends[this.length++] = end
  }

  /** For the scanner: as push(), for a cell that reads otherwise than it stands. */
  pushMended(cell: string): void {
    this.push(0, 0)
    this.#mended.set(this.length - 1, cell)
  }

  /** Nothing in it but spaces: no delimiter either. */
  get isBlank(): boolean {
    return this.length === 1 && this.cell(0)!.trim() === ''
  }
}

/** What takes cells: the characters of `text` from `start` up to `end`. */
export interface CellReader {
  add(text: string, start: number, end: number): void
}
