import { printable } from '../../core/printable.ts'
import { cut, fit, widthOf } from './width.ts'

/** A column of a table: its heading, and how its cells stand. */
export interface Column {
  heading: string
  align?: 'left' | 'right'
  /** It gives way when the terminal is too narrow. */
  flexible?: boolean
}

/** Columns of a flexible one at least. */
const least = 8

/**
 * Rows as they are read: aligned under headings in `width` columns of a terminal, or, where there is none, each on a
 * line with tabs between its cells and no heading. What cannot be printed safely is escaped.
 */
export function table(columns: readonly Column[], rows: readonly string[][], width?: number): string {
  const cells = rows.map((row) => row.map(printable))
  if (width === undefined) return cells.map((row) => `${row.join('\t')}\n`).join('')
  const widths = columns.map(({ heading }, place) =>
    cells.reduce((most, row) => Math.max(most, widthOf(row[place]!)), heading.length),
  )
  narrow(columns, widths, width)
  const lines = [columns.map(({ heading }) => heading), ...cells].map((row) =>
    row.map((cell, place) => fit(cell, widths[place]!, columns[place]!.align)).join('  '),
  )
  return lines.map((line) => `${cut(line.trimEnd(), width)}\n`).join('')
}

/** Takes from the flexible columns, widest first, until all fit or none can give more. */
function narrow(columns: readonly Column[], widths: number[], width: number): void {
  let over = widths.reduce((sum, one) => sum + one + 2, -2) - width
  while (over > 0) {
    const giving = widths.flatMap((one, place) => (columns[place]!.flexible && one > least ? [place] : []))
    if (giving.length === 0) return
    const widest = giving.reduce((best, place) => (widths[place]! > widths[best]! ? place : best))
    const next = Math.max(least, ...giving.filter((place) => place !== widest).map((place) => widths[place]!))
    const given = Math.max(1, Math.min(over, widths[widest]! - next))
    widths[widest]! -= given
    over -= given
  }
}
