import { setImmediate } from 'node:timers/promises'
import type { StoredFile } from 'afterwork/worker'
import type { TableProfile } from '../files/table.ts'
import { readRows } from '../files/table/rows.ts'
import { columnRows } from './columns.ts'
import { byteCount, count, share } from './format.ts'
import { filledCells } from './identifier.ts'
import { notesOn } from './notes.ts'
import { planOf } from './plan.ts'
import type { Fact, Report } from './report.ts'

/** Columns that are listed. */
const maxListed = 200

const delimiters = { ',': 'comma', ';': 'semicolon', '\t': 'tab', '|': 'bar' }

/** What a summary is made under. */
export interface Circumstances {
  date: Date
  signal: AbortSignal
  /** Told the bytes of the file that were read. */
  progress: (bytes: number) => void
}

/**
 * Makes a report of a table: reads its rows once more if a chart needs them. Holds a batch of rows and some thousand figures
 * a chart at most.
 * @throws what readRows() does
 */
export async function summaryOf(
  file: StoredFile,
  table: TableProfile,
  { date, signal, progress }: Circumstances,
): Promise<Report> {
  const { charts, omitted } = planOf(table)
  const hungry = charts.filter((chart) => chart.add !== undefined)
  if (hungry.length > 0) {
    for await (const rows of readRows(file.path, table.encoding, table, { signal, progress })) {
      for (const row of rows) for (const chart of hungry) chart.add!(row)
      await setImmediate()
    }
  }
  return {
    name: file.name,
    date,
    glance: glanceOf(file, table),
    notes: notesOn(table),
    columns: columnRows(table.columns.slice(0, maxListed), table.rows),
    omittedColumns: table.width - Math.min(maxListed, table.columns.length),
    charts: charts.map((one) => one.chart()),
    omittedCharts: omitted,
  }
}

function glanceOf({ size }: StoredFile, { rows, width, columns, delimiter, encoding }: TableProfile): Fact[] {
  const cells = rows * columns.length
  const filled = columns.reduce((sum, column) => sum + filledCells(column), 0)
  return [
    { label: 'Rows', value: count(rows) },
    { label: 'Columns', value: count(width) },
    { label: 'Empty cells', value: share(Math.max(0, cells - filled), cells) },
    { label: 'Size', value: byteCount(size) },
    { label: 'Separator', value: delimiters[delimiter] },
    { label: 'Encoding', value: encoding },
  ]
}
