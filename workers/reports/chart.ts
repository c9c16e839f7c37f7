import { count, counted, figure } from './format.ts'
import type { Bins } from './histogram.ts'

interface Titled {
  /** What it shows, such as `amount`; from the file, as it stands there. */
  title: string
  /** What is drawn, such as `Rows by month`. */
  subtitle: string
}

/** How a column's numbers are spread. */
export interface HistogramChart extends Titled {
  kind: 'histogram'
  bins: Bins
}

/** How often each of a column's values came, the most frequent ones. */
export interface BarChart extends Titled {
  kind: 'bars'
  /** The most frequent first. */
  values: { value: string; count: number }[]
  /** How many other values there are, and how often they came in all. */
  others: { values: number; count: number }
}

/** A count for each of some places in order: periods of time, small whole numbers. */
export interface ColumnChart extends Titled {
  kind: 'columns'
  /** What a place is, such as `month`. */
  heading: string
  points: { label: string; count: number }[]
}

/** A figure for each of some periods; null where there is none. */
export interface LineChart extends Titled {
  kind: 'line'
  /** What a place is, such as `month`. */
  heading: string
  points: { label: string; value: number | null }[]
}

/** What is drawn for a column; the same for the page and the PDF. */
export type Chart = HistogramChart | BarChart | ColumnChart | LineChart

/** The figures behind a chart. */
export interface ChartTable {
  headings: [string, string]
  rows: [string, string][]
}

/** What a chart shows as a table, for those who cannot see it or want the figures. */
export function tableOf(chart: Chart): ChartTable {
  switch (chart.kind) {
    case 'histogram':
      return { headings: ['range', 'rows'], rows: binRows(chart.bins) }
    case 'bars': {
      const { values, others } = chart
      const rows = values.map((one): [string, string] => [one.value, count(one.count)])
      if (others.values > 0) rows.push([othersLabel(others.values), count(others.count)])
      return { headings: ['value', 'rows'], rows }
    }
    case 'columns':
      return {
        headings: [chart.heading, 'rows'],
        rows: chart.points.map((point) => [point.label, count(point.count)]),
      }
    case 'line':
      return {
        headings: [chart.heading, 'mean'],
        rows: chart.points.map(({ label, value }) => [label, value === null ? '–' : figure(value)]),
      }
  }
}

/** How the values that are not shown one by one are called. */
export function othersLabel(values: number): string {
  return counted(values, 'other')
}

function binRows({ edges, counts, below, above }: Bins): [string, string][] {
  const [first, last] = [figure(edges[0]!), figure(edges.at(-1)!)]
  const inner = counts.map((rows, index): [string, string] => {
    const [from, to] = [figure(edges[index]!), figure(edges[index + 1]!)]
    return [`${from} to ${index === counts.length - 1 ? '' : 'below '}${to}`, count(rows)]
  })
  return [
    ...(below > 0 ? [[`below ${first}`, count(below)] satisfies [string, string]] : []),
    ...inner,
    ...(above > 0 ? [[`above ${last}`, count(above)] satisfies [string, string]] : []),
  ]
}
