import { open } from 'node:fs/promises'
import { dialectOf, type Dialect } from '../../../workers/files/table/dialect.ts'
import type { StartedSystem } from '../harness/system-module.ts'
import { fileSystem } from './system.ts'
import { profileByCsvParse } from './table-csv-parse.ts'

/** The same statistics of the cells that csv-parse finds. */
export async function start(): Promise<StartedSystem> {
  return fileSystem(async (path) => {
    await profileByCsvParse(path, await dialectIn(path))
  })
}

async function dialectIn(path: string): Promise<Dialect> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64 * 1024))
    const dialect = dialectOf(buffer.toString('utf8', 0, bytesRead), bytesRead < buffer.length)
    if (dialect === null) throw new Error(`Expected a table, got ${path}`)
    return dialect
  } finally {
    await file.close()
  }
}
