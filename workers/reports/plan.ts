import type { TableProfile } from '../files/table.ts'
import type { ColumnProfile } from '../files/table/profile.ts'
import type { BarChart, Chart } from './chart.ts'
import { DatePeriods, spanOf } from './dates.ts'
import { counted } from './format.ts'
import { Histogram } from './histogram.ts'
import { filledCells, isIdentifier } from './identifier.ts'
import { NumberCells, rangeOf } from './numbers.ts'

/** Columns that get a chart. */
const maxCharts = 30
/** Columns whose mean is drawn over time. */
const maxLines = 3
/** Different numbers of which each is shown by itself; the profile names as many. */
const maxSingle = 10
/** Values that come less often than twice each are no categories, unless there are only a few of them. */
const minRepeats = 2

/** A chart that is being made: it is shown the rows it needs, if it needs any. */
export interface ChartInMaking {
  add?(row: readonly string[]): void
  chart(): Chart
}

/** The charts of a table. */
export interface Plan {
  charts: ChartInMaking[]
  /** Columns that would have one, were there not a limit. */
  omitted: number
}

/**
 * What is drawn of each column: numbers as a histogram, few different values by how often they come, dates by how many rows
 * they have; and if there is one column of dates, the means of the first numbers over it. Identifiers and texts get none.
 */
export function planOf({ columns }: TableProfile): Plan {
  const charts = columns.flatMap((column, index) => chartOf(column, index) ?? [])
  return {
    charts: [...charts.slice(0, maxCharts), ...linesOf(columns)],
    omitted: Math.max(0, charts.length - maxCharts),
  }
}

function chartOf(column: ColumnProfile, index: number): ChartInMaking | undefined {
  if (isIdentifier(column) || column.distinct < 2) return undefined
  if (spanOf(column) !== undefined) return datesChart(column, index)
  const subject = column.mostly ?? column.type
  if (subject === 'integer' || subject === 'number') {
    return singleNumbers(column) ?? histogramChart(column, index)
  }
  return subject === 'string' || subject === 'boolean' ? barChart(column) : undefined
}

function barChart(column: ColumnProfile): ChartInMaking | undefined {
  const { name, top, distinct } = column
  const cells = filledCells(column)
  if (top === undefined || (distinct > maxSingle && cells < minRepeats * distinct)) return undefined
  const shown = top.reduce((sum, one) => sum + one.count, 0)
  const chart: BarChart = {
    kind: 'bars',
    title: name,
    subtitle: distinct > top.length ? 'Rows by value, the most frequent ones' : 'Rows by value',
    values: top,
    others: { values: distinct - top.length, count: cells - shown },
  }
  return { chart: () => chart }
}

/** A few different numbers, such as marks from 1 to 5: what lies between them means nothing. */
function singleNumbers(column: ColumnProfile): ChartInMaking | undefined {
  const { name, type, top, distinct } = column
  if (type === 'mixed' || top === undefined || distinct > maxSingle || top.length < distinct) return undefined
  const cells = new NumberCells(column)
  const points = top
    .map(({ value, count }) => ({ label: value, count, number: cells.read(value) }))
    .toSorted((a, b) => a.number - b.number)
    .map(({ label, count }) => ({ label, count }))
  const chart: Chart = { kind: 'columns', title: name, subtitle: 'Rows by value', heading: 'value', points }
  return { chart: () => chart }
}

function histogramChart(column: ColumnProfile, index: number): ChartInMaking | undefined {
  const range = rangeOf(column)
  if (range === undefined) return undefined
  const cells = new NumberCells(column)
  const whole = (column.mostly ?? column.type) === 'integer'
  const histogram = new Histogram(range.min, range.max, whole)
  return {
    add(row) {
      const value = cells.read(row[index] ?? '')
      if (!Number.isNaN(value)) histogram.add(value)
    },
    chart() {
      const bins = histogram.bins()
      const apart = bins.below + bins.above
      const far = apart === 0 ? '' : `; ${counted(apart, 'row')} far off counted apart`
      const unit = column.unit === undefined ? '' : ` (${column.unit})`
      return { kind: 'histogram', title: column.name, subtitle: `Rows by value${unit}${far}`, bins }
    },
  }
}

function datesChart(column: ColumnProfile, index: number): ChartInMaking {
  const dates = new DatePeriods(column)
  return {
    add: (row) => dates.add(row[index] ?? ''),
    chart: () => ({
      kind: 'columns',
      title: column.name,
      subtitle: `Rows by ${dates.unit.name}`,
      heading: dates.unit.name,
      points: dates.periods().map(({ label, count }) => ({ label, count })),
    }),
  }
}

/** The means of the first columns of numbers over the column of dates, if there is exactly one. */
function linesOf(columns: readonly ColumnProfile[]): ChartInMaking[] {
  const dated = columns.flatMap((column, index) => (spanOf(column) === undefined ? [] : [{ column, index }]))
  const [date, other] = dated
  if (date === undefined || other !== undefined) return []
  return columns
    .map((column, index) => ({ column, index }))
    .filter(({ column }) => rangeOf(column) !== undefined && column.distinct > 2 && !isIdentifier(column))
    .slice(0, maxLines)
    .map(({ column, index }) => lineChart(column, index, date.column, date.index))
}

function lineChart(column: ColumnProfile, index: number, date: ColumnProfile, at: number): ChartInMaking {
  const dates = new DatePeriods(date)
  const cells = new NumberCells(column)
  return {
    add: (row) => dates.add(row[at] ?? '', cells.read(row[index] ?? '')),
    chart: () => ({
      kind: 'line',
      title: `${column.name} over ${date.name}`,
      subtitle: `Mean of each ${dates.unit.name}`,
      heading: dates.unit.name,
      points: dates.periods().map(({ label, count, sum }) => ({
        label,
        value: count === 0 || !Number.isFinite(sum) ? null : sum / count,
      })),
    }),
  }
}
