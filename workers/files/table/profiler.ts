import { Column } from './column.ts'
import type { Dialect } from './dialect.ts'
import { columnNames } from './header.ts'
import { profileColumn, tallyLimits, type ColumnProfile } from './profile.ts'

/** Columns that are described; the others are counted only. */
export const maxDescribed = 1000

/** Of tables with more columns, what is kept of each is less, so that the profile of a thousand is less than a megabyte. */
const maxFull = 100

/** Rows that have more or fewer cells than there are columns. */
export interface RaggedRows {
  count: number
  /** The number of the first one, as a spreadsheet shows it: from 1, the header and blank rows included. */
  first?: number
  shorter: number
  longer: number
}

/** What a table holds, however it is written. */
export interface TableContent {
  /** Without the header and blank rows. */
  rows: number
  /** How many columns there are; the first 1,000 are described. */
  width: number
  columns: ColumnProfile[]
  ragged: RaggedRows
}

/** One row, as TableRow is one. */
export interface ProfiledRow {
  number: number
  length: number
  cells(): string[]
  handOut(columns: readonly Column[], count: number): void
}

/** Takes the rows of a table, its header first if it has one, and says in the end what its columns hold. */
export class TableProfiler {
  #rows = 0
  readonly #ragged: RaggedRows = { count: 0, shorter: 0, longer: 0 }
  readonly #dialect: Dialect
  readonly #columns: Column[]
  #header: string[] | null = null

  constructor(dialect: Dialect) {
    const described = Math.min(dialect.width, maxDescribed)
    const limits = tallyLimits(described)
    this.#dialect = dialect
    this.#columns = Array.from({ length: described }, () => new Column(limits))
  }

  add(row: ProfiledRow): void {
    if (this.#dialect.header && this.#header === null) {
      this.#header = row.cells()
      return
    }
    this.#rows++
    if (row.length !== this.#dialect.width) this.#countRagged(row)
    row.handOut(this.#columns, Math.min(row.length, this.#columns.length))
  }

  end(): TableContent {
    const { delimiter, width } = this.#dialect
    const names = columnNames(this.#nameCells(), this.#columns.length)
    const isWide = this.#columns.length > maxFull
    return {
      rows: this.#rows,
      width,
      columns: this.#columns.map((column, index) =>
        profileColumn(names[index]!, column, { prefersComma: delimiter === ';', isWide }),
      ),
      ragged: this.#ragged,
    }
  }

  /** R writes no name above the names of rows: its header has a cell less, and it is the first. */
  #nameCells(): string[] | null {
    const header = this.#header
    const last = this.#columns.at(-1)
    const isShort = header?.length === this.#columns.length - 1 && last !== undefined && last.longest > 0
    return isShort ? ['', ...header] : header
  }

  /** The cells that a row lacks are no nulls: nobody wrote them. */
  #countRagged({ number, length }: ProfiledRow): void {
    this.#ragged.count++
    this.#ragged.first ??= number
    if (length < this.#dialect.width) this.#ragged.shorter++
    else this.#ragged.longer++
  }
}
