import type { DomNode } from 'html-to-text'

/** Cells and columns that are set side by side: a reader of text has no use for more. */
const maxCells = 1_000
const maxColumns = 12

/**
 * Whether a table holds data, in columns with headings, or places what is in it. One that is larger than anybody would
 * read as text counts as the latter.
 */
export function shapeOf(table: DomNode): 'data' | 'layout' {
  const role = String(table.attribs?.['role'] ?? '')
  if (role === 'presentation' || role === 'none') return 'layout'
  const rows = rowsOf(table).map(cellsOf)
  const cells = rows.flat()
  const fits = cells.length <= maxCells && rows.every((row) => spanOf(row, 'colspan') <= maxColumns)
  if (!fits || !cells.every((cell) => spanOf([cell], 'rowspan') <= rows.length)) return 'layout'
  return cells.some(({ name }) => name === 'th') ? 'data' : 'layout'
}

function rowsOf({ children }: DomNode): DomNode[] {
  return children.flatMap((child) => {
    if (child.name === 'tr') return child
    return /^(?:thead|tbody|tfoot|center)$/.test(child.name ?? '') ? rowsOf(child) : []
  })
}

function cellsOf({ children }: DomNode): DomNode[] {
  return children.filter(({ name }) => name === 'td' || name === 'th')
}

/** Of what is no whole number of columns or rows it is Infinity, which fits nowhere. */
function spanOf(cells: readonly DomNode[], attribute: 'colspan' | 'rowspan'): number {
  return cells.reduce((sum, { attribs }) => {
    const span = Number(attribs?.[attribute] ?? 1)
    return sum + (Number.isInteger(span) && span >= 1 ? span : Infinity)
  }, 0)
}
