import type { ColumnProfile } from '../files/table/profile.ts'
import { count, figure, share } from './format.ts'
import { filledCells } from './identifier.ts'
import type { ColumnRow } from './report.ts'
import { cut } from './visible.ts'

/** Characters of the least and the greatest text. */
const maxValue = 22

/** What the list of columns says of each. */
export function columnRows(columns: readonly ColumnProfile[], rows: number): ColumnRow[] {
  return columns.map((column) => ({
    name: column.name,
    type: typeOf(column),
    filled: share(filledCells(column), rows),
    distinct: distinctOf(column),
    min: valueOf(column, column.min),
    mean: column.mean === undefined ? '' : figure(column.mean),
    max: valueOf(column, column.max),
  }))
}

/** An estimate is good for three digits at most, and may be more than there are cells. */
function distinctOf(column: ColumnProfile): string {
  const { distinct, distinctError } = column
  if (distinctError === undefined) return count(distinct)
  return `~${count(Number(Math.min(distinct, filledCells(column)).toPrecision(3)))}`
}

function typeOf({ type, mostly, unit }: ColumnProfile): string {
  const name = type === 'mixed' ? `mostly ${mostly}` : type
  return unit === undefined ? name : `${name} (${unit})`
}

function valueOf({ type, mostly }: ColumnProfile, value: number | string | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'number') return figure(value)
  if ((mostly ?? type) === 'datetime')
    return value
      .replace('T', ' ')
      .replace(/\.000/, '')
      .replace(/(?<=:\d\d):00(?=Z?$)/, '')
  return cut(value, maxValue)
}
