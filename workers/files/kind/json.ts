import { JsonScanner } from '../text/json/scanner.ts'
import type { TextKind } from './text.ts'

const json = { extension: 'json', mime: 'application/json' }
const ndjson = { extension: 'ndjson', mime: 'application/x-ndjson' }
/** Of the sample; as many are evidence enough. */
const maxLines = 100

/**
 * JSON or lines of JSON: what begins as an object or an array does, even if it breaks later.
 * @param text what the file begins with
 * @param complete whether that is all of it
 * @param later other parts of the file
 */
export function jsonKind(text: string, complete: boolean, later: string): TextKind | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  const scanner = new JsonScanner()
  scanner.feed(text)
  if (scanner.fault === undefined) {
    // A first line longer than the sample: others like it show in the middle or at the end of the file.
    return text.trimStart().startsWith('{') && !complete && /\}\r?\n\{"/.test(later) ? ndjson : json
  }
  if (hasJsonLines(text, complete)) return ndjson
  if (/^\s*\{\s*"(?:[^"\\]|\\.)*"\s*:/.test(text)) return json
  if (/^\s*\{/.test(text)) return undefined
  // Prose may begin with "[1]" or "[2024, a leap year]".
  if (scanner.ended) return scanner.objects > 0 || scanner.values > 10 ? json : undefined
  return scanner.objects > 0 || scanner.values > 3 || /^\s*\[\s*"/.test(text) ? json : undefined
}

function hasJsonLines(text: string, complete: boolean): boolean {
  const lines = text.split(/\r?\n/, maxLines + 1)
  if (lines.length > maxLines || !complete) lines.pop()
  const full = lines.filter((line) => line.trim() !== '')
  const valid = full.filter((line) => /^\s*[[{]/.test(line) && isJson(line))
  return valid.length >= 2 && valid.length >= full.length / 2
}

function isJson(line: string): boolean {
  const scanner = new JsonScanner()
  scanner.feed(line)
  scanner.end()
  return scanner.fault === undefined
}
