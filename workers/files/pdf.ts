import type { Findings, Reading } from './reading.ts'

/** To be written. */
export interface PdfDescription {
  placeholder?: never
}

/** To be written. */
export function readPdf(_reading: Reading): Promise<Findings> {
  return Promise.resolve({})
}
