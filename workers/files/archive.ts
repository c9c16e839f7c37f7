import type { Findings, Reading } from './reading.ts'

/** To be written. */
export interface ArchiveDescription {
  placeholder?: never
}

/** To be written. */
export function readArchive(_reading: Reading): Promise<Findings> {
  return Promise.resolve({})
}
