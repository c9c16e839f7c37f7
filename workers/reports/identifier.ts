import type { ColumnProfile } from '../files/table/profile.ts'

/** Of fewer rows nothing can be said. */
const minRows = 20
/** Characters; what is longer is text that somebody wrote. */
const maxLength = 64

/** How people end the names of columns that number things. */
const idName = /(?:^|[_\s.-])(?:id|ids|key|nr|no|num|number|code|uuid|guid)$|[a-z](?:Id|ID|Key|No|Nr|Code)$/iu

/** How many cells of a column have a value. */
export function filledCells({ types }: ColumnProfile): number {
  return Object.values(types).reduce((sum, cells) => sum + cells, 0)
}

/**
 * Whether a column's values most likely name its rows: a different one in each, and whole numbers that are dense or
 * called so, or short texts without spaces. What such values are spread over tells nothing.
 */
export function isIdentifier(column: ColumnProfile): boolean {
  const cells = filledCells(column)
  // Three standard errors: all but one estimate of 300 lie within them.
  const slack = 3 * (column.distinctError ?? 0) * cells
  if (cells < minRows || column.distinct < cells - slack) return false
  if (column.type === 'string') return column.longest <= maxLength && !hasSpaces(column)
  if (column.type !== 'integer') return false
  return idName.test(column.name) || Number(column.max) - Number(column.min) < 2 * cells
}

function hasSpaces({ top, examples }: ColumnProfile): boolean {
  return (examples ?? (top ?? []).map(({ value }) => value)).some((value) => /\s/u.test(value))
}
