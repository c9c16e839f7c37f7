/** A way to read a sample, and how it turns out. */
interface Attempt {
  delimiter: string
  /** Cells of most rows. */
  width: number
  /** The share of the rows that are of this width. */
  consistency: number
  /** The share of numbers, dates and the like among all cells but those of the first row. */
  typed: number
}

/** Whether rows speak against being those of a table, though their widths alone would allow it. */
export function contradicts(
  rows: readonly string[][],
  { delimiter, width, consistency, typed }: Attempt,
): boolean {
  if (consistency < (typed >= 0.1 ? 0.6 : 0.9)) return true
  if (rows.length < 2 || filledColumns(rows, width) < 2) return true
  // A delimiter between brackets: calls, lists of values, the names of browsers in logs.
  if (share(rows, (row) => row.length > 1 && row.some(isUnbalanced)) > 0.3) return true
  if (share(rows, (row) => /^\s*(?:#\w|\/\/|\/?\*)/u.test(row[0]!)) > 0.3) return true
  if (delimiter === '|') {
    // Markdown's tables, and logs with bars.
    if (rows[1]!.every((cell) => /^ *(?::?-+:? *)?$/u.test(cell))) return true
    if (share(rows, (row) => row.slice(1).some((cell) => cell.startsWith(' '))) > 0.5) return true
  }
  if (delimiter === ',') {
    // 12:30:45,123 is a time in a log.
    if (share(rows, (row) => /\d:\d\d$/u.test(row[0]!) && /^\d{3}(?!\d)/u.test(row[1] ?? '')) > 0.5)
      return true
  }
  // After a comma in prose there is a space, and what stands between commas is words; in code a line ends with `;`.
  const isSpaced = share(rows, (row) => row.slice(1).every((cell) => cell === '' || /^\s/u.test(cell))) > 0.5
  if (isSpaced && (typed < 0.2 || consistency < 0.9)) return true
  // Arrays in code: each line is indented, and a comma ends it.
  const isArray = (row: readonly string[]) => row.at(-1) === '' && (isSpaced || /^\s/u.test(row[0]!))
  if (share(rows, isArray) > 0.5) return true
  // Indented text.
  return delimiter === '\t' && typed < 0.1 && share(rows, (row) => row[0] === '') > 0.5
}

/** Columns with something in at least every fifth row. */
function filledColumns(rows: readonly string[][], width: number): number {
  let filled = 0
  for (let column = 0; column < width; column++) {
    if (share(rows, (row) => (row[column] ?? '').trim() !== '') >= 0.2) filled++
  }
  return filled
}

/** The share of items of which something holds. */
export function share<Item>(items: readonly Item[], holds: (item: Item) => boolean): number {
  return items.filter(holds).length / items.length
}

function isUnbalanced(cell: string): boolean {
  return (cell.match(/[([{]/gu)?.length ?? 0) !== (cell.match(/[)\]}]/gu)?.length ?? 0)
}
