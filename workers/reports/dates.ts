import { CellTypes } from '../files/table/cell.ts'
import type { ColumnProfile } from '../files/table/profile.ts'
import { unitFor, type Unit } from './periods.ts'

/** Counts and sums a period, by one order of day and month. */
interface Side {
  /** Cells that are dates by this order. */
  cells: number
  counts: Float64Array
  sums: Float64Array
}

/** One of the periods of a date column, in order and without gaps. */
export interface Period {
  label: string
  /** How many dates or, with figures, how many of those lie in it. */
  count: number
  /** Of the figures. */
  sum: number
}

/**
 * Counts the dates of a column by a fitting unit, or sums figures beside them. As in the profile, what is a date by either
 * order of day and month is counted by both until the end, and the one that makes more cells dates is right.
 */
export class DatePeriods {
  readonly unit: Unit
  readonly #first: number
  readonly #dayFirst: Side
  readonly #monthFirst: Side
  readonly #types = new CellTypes()

  /** @param column its dates have a least and a greatest one */
  constructor(column: ColumnProfile) {
    const { min, max } = spanOf(column)!
    this.unit = unitFor(min, max, (column.mostly ?? column.type) === 'datetime')
    this.#first = this.unit.indexOf(min)
    const length = this.unit.indexOf(max) - this.#first + 1
    const side = () => ({ cells: 0, counts: new Float64Array(length), sums: new Float64Array(length) })
    this.#dayFirst = side()
    this.#monthFirst = side()
  }

  /** Counts a cell with its figure; without one, NaN, only the order of day and month is learnt from it. */
  add(cell: string, value = 0): void {
    const text = cell.trim()
    if (this.#types.read(text, 0, text.length) !== 'date') return
    const { dayFirst, monthFirst } = this.#types.date
    const byDay = this.#placeOf(dayFirst)
    count(this.#dayFirst, byDay, value)
    count(this.#monthFirst, dayFirst === monthFirst ? byDay : this.#placeOf(monthFirst), value)
  }

  periods(): Period[] {
    const side = this.#monthFirst.cells > this.#dayFirst.cells ? this.#monthFirst : this.#dayFirst
    return Array.from(side.counts, (count, index) => ({
      label: this.unit.labelOf(this.#first + index),
      count,
      sum: side.sums[index]!,
    }))
  }

  /** Which of the periods a moment lies in; NaN for what is none. By the wrong order of day and month it may lie anywhere. */
  #placeOf(time: number): number {
    return Number.isNaN(time) ? NaN : this.unit.indexOf(time) - this.#first
  }
}

function count(side: Side, place: number, value: number): void {
  if (Number.isNaN(place)) return
  side.cells++
  if (Number.isNaN(value) || place < 0 || place >= side.counts.length) return
  side.counts[place]!++
  side.sums[place]! += value
}

/** The least and the greatest date of a column, in milliseconds since 1970; undefined without a span between them. */
export function spanOf({ min, max, type, mostly }: ColumnProfile): { min: number; max: number } | undefined {
  const subject = mostly ?? type
  if (subject !== 'date' && subject !== 'datetime') return undefined
  const [first, last] = [min, max].map((value) => (typeof value === 'string' ? timeOf(value) : NaN))
  return first! < last! ? { min: first!, max: last! } : undefined
}

/** What has no zone is taken as if it were in UTC, as the cells are. */
function timeOf(iso: string): number {
  return Date.parse(iso.includes('T') && !iso.endsWith('Z') ? `${iso}Z` : iso)
}
