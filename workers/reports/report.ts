import type { Chart } from './chart.ts'

/** A figure with its name, such as rows: 12,345. */
export interface Fact {
  label: string
  value: string
}

/** What the table of columns says of one. Empty: it has no such figure. */
export interface ColumnRow {
  name: string
  type: string
  /** The share of rows that have a value. */
  filled: string
  /** How many different values; with `~` where that is an estimate. */
  distinct: string
  min: string
  mean: string
  max: string
}

/** A summary of a table, for any surface; texts of the file stand in it as they are, and are made harmless there. */
export interface Report {
  /** What the client called the file. */
  name: string
  /** When it was asked for. */
  date: Date
  glance: Fact[]
  /** Sentences on what a person should know before trusting the figures. */
  notes: string[]
  columns: ColumnRow[]
  /** Columns that are not in the list. */
  omittedColumns: number
  charts: Chart[]
  /** Columns that would have a chart, were there not a limit. */
  omittedCharts: number
}

/** The names of the figures of a column, in the order of the list. */
export const columnHeadings: { key: keyof ColumnRow; heading: string; numeric: boolean }[] = [
  { key: 'name', heading: 'Column', numeric: false },
  { key: 'type', heading: 'Type', numeric: false },
  { key: 'filled', heading: 'Filled', numeric: true },
  { key: 'distinct', heading: 'Distinct', numeric: true },
  { key: 'min', heading: 'Min', numeric: true },
  { key: 'mean', heading: 'Mean', numeric: true },
  { key: 'max', heading: 'Max', numeric: true },
]
