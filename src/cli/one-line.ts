import { AfterworkError } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import { missingPeers } from './missing.ts'

/** What went wrong, for a person at a terminal: no stack unless it is a defect of ours. */
export function oneLine(error: unknown): string {
  if (error instanceof AfterworkError) return printable(error.message.replaceAll('\n', ' '))
  const { code, message, stack } = error as NodeJS.ErrnoException
  const missing = code === 'ERR_MODULE_NOT_FOUND' ? /package '([^']+)'/.exec(message)?.[1] : undefined
  if (missing !== undefined) {
    const names = missingPeers(missing)
    return `the service needs ${names.join(', ')}: npm install ${names.join(' ')}`
  }
  return stack ?? String(error)
}
