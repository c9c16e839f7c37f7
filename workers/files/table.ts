import type { Findings, Reading } from './reading.ts'

/** To be written. */
export interface TableProfile {
  placeholder?: never
}

/** To be written. */
export function readTable(_reading: Reading): Promise<Findings> {
  return Promise.resolve({})
}
