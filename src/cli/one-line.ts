import { AfterworkError } from '../core/errors.ts'
import { printable } from '../core/printable.ts'

/** What went wrong, for a person at a terminal: no stack unless it is a defect of ours. */
export function oneLine(error: unknown): string {
  if (error instanceof AfterworkError) return printable(error.message.replaceAll('\n', ' '))
  return (error as Error).stack ?? String(error)
}
