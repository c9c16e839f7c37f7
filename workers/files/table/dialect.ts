import { CellTypes, type CellType } from './cell.ts'
import { contradicts, share } from './evidence.ts'
import { looksLikeHeader } from './header.ts'
import { TableScanner, type Borders } from './scanner.ts'

/** How a table is written. */
export interface Dialect extends Borders {
  delimiter: ',' | ';' | '\t' | '|'
  /** The first row names the columns. */
  header: boolean
  /** Cells of most rows. */
  width: number
}

/** How well a sample fits one way to read it. */
interface Candidate {
  dialect: Dialect
  score: number
}

const delimiters = [',', ';', '\t', '|'] as const
/** A longer look changes nothing. */
const maxRows = 1000
/** Rows before the table, such as a title and the date of an export. */
const maxPreamble = 20

/**
 * Decides whether text is a table and how it is written; null when it is prose, code, a log or a list of one column.
 *
 * A table has at least two rows and two columns, and most of its rows the same number of them. Of the delimiters that fit
 * the best is taken as by van den Burg, Nazabal and Sutton, "Wrangling messy CSV files by detecting row and type
 * patterns" (2019): by how regular the rows are and how many cells are of a known type. Tabs and pipes may come without
 * quoting, where a quote is a character like others. Excel's line `sep=;` decides for itself.
 *
 * Pure and synchronous; some milliseconds for 64 kB.
 * @param sample the beginning of a file, as decoded; a byte order mark does no harm
 * @param complete the sample is the whole file: else its last row is not judged
 */
export function dialectOf(sample: string, complete: boolean): Dialect | null {
  const text = sample.startsWith('\ufeff') ? sample.slice(1) : sample
  // Markup and JSON are regular, too.
  if (/^\s*(?:<[!?]|<html|<svg|[{[])/iu.test(text)) return null
  const newline = text.includes('\n') ? '\n' : '\r'
  const told = /^"?sep=([,;\t|])"?\r?[\n\r]/iu.exec(text)
  let best: Candidate | null = null
  for (const delimiter of told === null ? delimiters : [told[1] as Dialect['delimiter']]) {
    if (!text.includes(delimiter)) continue
    for (const quote of quotings(text, delimiter)) {
      const borders = { delimiter, quote, newline, skip: told === null ? 0 : 1, spaced: false } as const
      const candidate = judge(text, complete, borders, told !== null)
      if (candidate !== null && (best === null || candidate.score > best.score)) best = candidate
    }
  }
  return best?.dialect ?? null
}

function quotings(text: string, delimiter: Dialect['delimiter']): readonly ('"' | null)[] {
  return (delimiter === '\t' || delimiter === '|') && text.includes('"') ? ['"', null] : ['"']
}

/** How well a sample fits one way to read it; null when it is no table by that. */
function judge(text: string, complete: boolean, guess: Borders, isTold: boolean): Candidate | null {
  let borders = guess
  let scanned = scan(text, complete, borders)
  if (guess.quote !== null && scanned.rows.some((row) => row.some((cell) => /^ +"/u.test(cell)))) {
    borders = { ...guess, spaced: true }
    scanned = scan(text, complete, borders)
  }
  const all = scanned.rows
  const width = usualWidth(all)
  if (all.length === 0 || (!isTold && (all.length < 2 || width < 2))) return null

  const preamble = isTold ? 0 : preambleOf(all, width)
  const rows = all.slice(preamble)
  const below = rows.slice(1)
  const delimiter = borders.delimiter as Dialect['delimiter']
  const consistency = share(rows, (row) => row.length === width)
  const typed = typedShare(below, width)
  if (!isTold && contradicts(rows, { width, delimiter, consistency, typed })) return null
  return {
    dialect: {
      ...borders,
      delimiter,
      skip: borders.skip + (preamble === 0 ? 0 : linesBefore(text, borders, preamble)),
      header: looksLikeHeader(rows[0]!, below),
      width,
    },
    score: consistency * (1 - 1 / (width + 1)) * (0.1 + typed) * soundness(borders, rows, scanned.strays),
  }
}

/** How well the quotes of a sample fit a reading of them. */
function soundness({ quote }: Borders, rows: readonly string[][], strays: number): number {
  if (quote !== null) return strays === 0 ? 1 : 0.8
  return rows.some((row) => row.some((cell) => /^".*"$/su.test(cell))) ? 0.5 : 0.95
}

/** The rows of a sample, and how many cells go on after their closing quote. */
function scan(text: string, complete: boolean, borders: Borders): { rows: string[][]; strays: number } {
  const rows: string[][] = []
  const scanner = new TableScanner(borders, (row) => {
    if (rows.length < maxRows) rows.push(row.cells())
  })
  try {
    scanner.write(text)
    if (complete) scanner.end()
  } catch {
    // A row is too wide: those before it tell whether this is a table, and its reader says what is wrong with it.
  }
  return { rows, strays: scanner.quotes.stray }
}

/** The most frequent width; of those that are equally frequent the larger. */
function usualWidth(rows: readonly string[][]): number {
  const counts = new Map<number, number>()
  for (const { length } of rows) counts.set(length, (counts.get(length) ?? 0) + 1)
  let usual = 0
  for (const [width, count] of counts) {
    const most = counts.get(usual) ?? 0
    if (count > most || (count === most && width > usual)) usual = width
  }
  return usual
}

/** How many rows before the first whole one are much narrower. */
function preambleOf(rows: readonly string[][], width: number): number {
  const first = rows.findIndex((row) => row.length * 2 > width)
  const table = rows.slice(first)
  const isCertain = width >= 3 && table.length >= 5 && share(table, (row) => row.length === width) >= 0.9
  return isCertain && first <= maxPreamble ? first : 0
}

/** Lines up to the end of as many rows that are not blank. */
function linesBefore(text: string, { newline, skip }: Borders, rows: number): number {
  const lines = text.split(newline, 1000).slice(skip)
  let left = rows
  const end = lines.findIndex((line) => line.trim() !== '' && left-- === 0)
  return Math.max(end, 0)
}

function typedShare(rows: readonly string[][], width: number): number {
  const types = new CellTypes()
  let known = 0
  let all = 0
  for (const row of rows) {
    for (const cell of row.slice(0, width)) {
      const type = typeOf(types, cell)
      if (type === 'null') continue
      all++
      if (type !== 'string') known++
    }
  }
  return all === 0 ? 0 : known / all
}

function typeOf(types: CellTypes, cell: string): CellType {
  const trimmed = cell.trim()
  return types.read(trimmed, 0, trimmed.length)
}
