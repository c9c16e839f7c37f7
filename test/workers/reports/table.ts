import type { StoredFile } from 'afterwork/worker'
import type { ExecutionContext } from 'ava'
import { summarise, type ReportOptions } from '../../../workers/reports.ts'
import { runningTask, store } from '../files/subject.ts'

/** When the reports of the tests were asked for. */
export const date = new Date('2026-11-21T10:00:00Z')

/** A stored table. */
export function storeTable(
  t: ExecutionContext,
  rows: readonly (readonly unknown[])[],
  name = 'orders.csv',
): Promise<StoredFile> {
  const quoted = (cell: unknown) => `"${String(cell).replaceAll('"', '""')}"`
  const lines = rows.map((row) =>
    row.map((cell) => (typeof cell === 'string' ? quoted(cell) : cell)).join(','),
  )
  return store(t, `${lines.join('\n')}\n`, { name, type: 'text/csv' })
}

/** Runs a report as its task does. */
export function summariseNow(file: StoredFile, options: Partial<ReportOptions> = {}) {
  return runningTask().run(() => summarise(file, { date, ...options }))
}

/** Orders of four months: an identifier, a date, a category, numbers, a rare discount, and a column without anything. */
export function orders(count = 120): unknown[][] {
  const cities = ['Berlin', 'São Paulo', 'Łódź', 'Москва']
  const rows = Array.from({ length: count }, (_, index) => [
    1000 + index,
    new Date(Date.UTC(2026, 0, 1 + index)).toISOString().slice(0, 10),
    cities[index % 4],
    ((index * 37) % 101) / 4,
    index % 5 === 0 ? '10' : '',
    '',
  ])
  return [['order_id', 'ordered', 'city', 'amount', 'discount', 'legacy'], ...rows]
}
