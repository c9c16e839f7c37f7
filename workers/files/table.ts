import { fileError } from './error.ts'
import { decodeText } from './kind/decoding.ts'
import { sampleOf } from './kind/sample.ts'
import type { Findings, Reading } from './reading.ts'
import { decodedChunks } from './table/decoding.ts'
import { dialectOf, type Dialect } from './table/dialect.ts'
import { TableProfiler, type TableContent } from './table/profiler.ts'
import { TableScanner, type OddQuotes } from './table/scanner.ts'

/** What is known of a CSV or TSV file: how it is written, and what its rows and columns hold. */
export interface TableProfile extends Dialect, TableContent {
  /** A label of the WHATWG Encoding Standard. */
  encoding: string
  /** Where there are any. */
  quotes?: OddQuotes
}

/**
 * Describes a table in one pass and in bounded memory, however long it is.
 * @throws NOT_A_TABLE, TABLE_ENDLESS_QUOTE, TABLE_ROW_TOO_LONG, TABLE_TOO_WIDE
 */
export async function readTable({ file, kind, signal, progress }: Reading): Promise<Findings> {
  const encoding = kind.encoding ?? 'utf-8'
  const { dialect, size } = await sampleDialect(file.path, encoding)
  signal.throwIfAborted()
  const profiler = new TableProfiler(dialect)
  const scanner = new TableScanner(dialect, (row) => profiler.add(row))
  const report = (bytes: number) => progress(Math.min(1, bytes / size), 'reading rows')
  for await (const text of decodedChunks(file.path, encoding, signal, report)) scanner.write(text)
  scanner.end()
  const { quotes } = scanner
  const hasOddQuotes = quotes.stray > 0 || quotes.unclosed !== undefined
  return { table: { encoding, ...dialect, ...profiler.end(), ...(hasOddQuotes && { quotes }) } }
}

/** The dialect of a file, by the same beginning by which its kind was told, and its size in bytes. */
async function sampleDialect(path: string, encoding: string): Promise<{ dialect: Dialect; size: number }> {
  const { head, end, size } = await sampleOf(path)
  const dialect = dialectOf(decodeText(head, encoding), end.length === 0)
  if (dialect === null) {
    throw fileError('NOT_A_TABLE', 'Expected rows of the same number of cells, got none that agree')
  }
  return { dialect, size }
}
