import type { StoredFile } from 'afterwork/worker'
import { processFile, type ProcessedFile } from '../../../workers/files.ts'
import { attempt } from './attempt.ts'
import type { Note } from './notes.ts'

/** The service's own task, with its attempts in the journal. */
export function process({ marker }: Note, file: StoredFile): Promise<ProcessedFile> {
  return attempt(marker, () => processFile(file, { widths: [80, 160] }))
}
