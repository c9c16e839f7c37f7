import { readTable } from '../../../workers/files/table.ts'
import type { StartedSystem } from '../harness/system-module.ts'
import { readingOf } from './reading.ts'
import { fileSystem } from './system.ts'

/** The service's reader of tables. */
export async function start(): Promise<StartedSystem> {
  const kind = { family: 'table', extension: 'csv', mime: 'text/csv', encoding: 'utf-8' } as const
  return fileSystem(async (path) => {
    await readTable(await readingOf(path, kind))
  })
}
