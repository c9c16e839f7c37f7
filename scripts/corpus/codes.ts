import { readFile } from 'node:fs/promises'

const document = new URL('../../docs/files.md', import.meta.url)

/** The error codes that docs/files.md explains, each in a row of its own. */
export async function knownCodes(): Promise<Set<string>> {
  return codesIn(await readFile(document, 'utf8'))
}

/** The codes in the first column of a document's tables. */
export function codesIn(text: string): Set<string> {
  return new Set(Array.from(text.matchAll(/^\| *`([A-Z][A-Z0-9_]+)` *\|/gm), ([, code]) => code!))
}
