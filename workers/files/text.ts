import type { Findings, Reading } from './reading.ts'

/** To be written. */
export interface TextDescription {
  placeholder?: never
}

/** To be written. */
export function readText(_reading: Reading): Promise<Findings> {
  return Promise.resolve({})
}
