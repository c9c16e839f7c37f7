import fc from 'fast-check'
import type { Dialect } from '../../../../workers/files/table/dialect.ts'
import { TableProfiler, type TableContent } from '../../../../workers/files/table/profiler.ts'
import { TableScanner, type Borders, type OddQuotes } from '../../../../workers/files/table/scanner.ts'

/** As RFC 4180 has it. */
export const plain: Borders = { delimiter: ',', quote: '"', newline: '\n', skip: 0, spaced: false }

/** The rows of a text that comes in pieces. */
export function scan(
  pieces: readonly string[],
  borders: Partial<Borders> = {},
): { rows: string[][]; quotes: OddQuotes } {
  const rows: string[][] = []
  const scanner = new TableScanner({ ...plain, ...borders }, (row) => rows.push(row.cells()))
  for (const piece of pieces) scanner.write(piece)
  scanner.end()
  return { rows, quotes: scanner.quotes }
}

/** The profile of a text that comes in pieces; by default with commas and a header. */
export function profile(
  pieces: Iterable<string>,
  dialect: Partial<Dialect> & { width: number },
): TableContent {
  const whole: Dialect = { ...plain, delimiter: ',', header: true, ...dialect }
  const profiler = new TableProfiler(whole)
  const scanner = new TableScanner(whole, (row) => profiler.add(row))
  for (const piece of pieces) scanner.write(piece)
  scanner.end()
  return profiler.end()
}

/** Ways to write a table, beside where its borders are. */
export interface Hand extends Borders {
  lineEnd: string
  /** All cells are quoted, not only those that must be. */
  quotesAll: boolean
  endsWithNewline: boolean
}

/** A table as a text. */
export function write(table: readonly (readonly string[])[], hand: Hand): string {
  const lines = table.map((row) =>
    row
      .map((cell) => {
        const must =
          cell.startsWith(' ') || ['"', '\n', '\r', hand.delimiter].some((mark) => cell.includes(mark))
        return must || hand.quotesAll ? `"${cell.replaceAll('"', '""')}"` : cell
      })
      .join(hand.delimiter),
  )
  return lines.join(hand.lineEnd) + (hand.endsWithNewline ? hand.lineEnd : '')
}

/** Cuts a text at the shares of its length. */
export function cut(text: string, shares: readonly number[]): string[] {
  const places = [0, ...shares.map((share) => Math.floor(share * text.length)).toSorted((a, b) => a - b)]
  return places.map((place, index) => text.slice(place, places[index + 1]))
}

const cell = fc.oneof(
  fc.integer().map(String),
  fc.string({
    unit: fc.constantFrom('a', 'é', '漢', '😀', '"', ',', ';', '\t', '|', '\n', '\r', ' ', "'"),
    maxLength: 6,
  }),
)

/** For properties. */
export const random = {
  /** Two to five columns, with rows that are ragged but have two cells. */
  table: fc.array(fc.array(cell, { minLength: 2, maxLength: 5 }), { minLength: 1, maxLength: 12 }),
  borders: fc
    .record({
      delimiter: fc.constantFrom(',', ';', '\t', '|'),
      lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
      quotesAll: fc.boolean(),
      endsWithNewline: fc.boolean(),
    })
    .map((hand): Hand => ({ ...plain, ...hand, newline: hand.lineEnd === '\r' ? '\r' : '\n' })),
  /** Shares of a text's length at which it is cut. */
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
}
