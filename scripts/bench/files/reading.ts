import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Kind } from '../../../workers/files/kind.ts'
import type { Reading } from '../../../workers/files/reading.ts'

/** Nobody stops what is measured. */
export const never = new AbortController().signal

/** What a reader is given for a file. */
export async function readingOf(path: string, kind: Kind): Promise<Reading> {
  const { size } = await stat(path)
  return {
    file: { id: 'file', name: basename(path), type: kind.mime, size, path },
    kind,
    signal: never,
    progress: () => {},
    widths: [160, 640, 1280],
  }
}
