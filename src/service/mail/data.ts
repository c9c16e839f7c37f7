import { isStoredFile } from '../../core/stored-file.ts'
import { invalid } from '../body.ts'

/** Bytes, as JSON. */
const maxData = 100 * 1024
const maxDepth = 20

/**
 * What a template may show: a JSON object, in a form as text, of at most 100 kB and 20 levels; throws INVALID_FIELD.
 */
export function dataOf(given: unknown): Record<string, unknown> {
  const data = typeof given === 'string' ? parsed(given) : given
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw invalid('data', 'a JSON object')
  // First the depth: what is too deep cannot even be measured.
  check(data, 1)
  if (Buffer.byteLength(JSON.stringify(data)) > maxData)
    throw invalid('data', `at most ${maxData} bytes of JSON`)
  return data as Record<string, unknown>
}

function parsed(text: string): unknown {
  if (text.length > maxData) throw invalid('data', `at most ${maxData} bytes of JSON`)
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What looks like a stored file would count as one of the task's: its path would be somebody else's word. */
function check(value: object, depth: number): void {
  if (depth > maxDepth) throw invalid('data', `at most ${maxDepth} levels of objects and lists`)
  if (isStoredFile(value)) throw invalid('data', 'no descriptions of stored files')
  for (const item of Object.values(value) as unknown[])
    if (typeof item === 'object' && item !== null) check(item, depth + 1)
}
