import type { Dialect } from './dialect.ts'
import { decodedChunks } from './decoding.ts'
import { TableScanner } from './scanner.ts'

/**
 * The rows of a stored table below its header, in batches of some hundred kilobytes, as fast as they are asked for. Cells
 * are as they stand in the file, without their quotes; rows are as ragged as they are there, and blank ones are left out.
 *
 * A cell may hold the whole batch in memory for as long as it is kept: copy what is to stay, and keep little of it.
 * @param encoding a label of the WHATWG Encoding Standard, from `kind.encoding` or the profile
 * @param dialect from dialectOf(); a TableProfile will do
 * @param options.progress is told the bytes read so far
 * @throws TABLE_ENDLESS_QUOTE, TABLE_ROW_TOO_LONG or TABLE_TOO_WIDE; the signal's reason; the system's error
 */
export async function* readRows(
  path: string,
  encoding: string,
  dialect: Dialect,
  { signal, progress = () => {} }: { signal: AbortSignal; progress?: (bytes: number) => void },
): AsyncGenerator<string[][], void, undefined> {
  let batch: string[][] = []
  let isHeader = dialect.header
  const scanner = new TableScanner(dialect, (row) => {
    if (isHeader) isHeader = false
    else batch.push(row.cells())
  })
  for await (const text of decodedChunks(path, encoding, signal, progress)) {
    scanner.write(text)
    if (batch.length > 0) yield batch
    batch = []
  }
  scanner.end()
  if (batch.length > 0) yield batch
}
