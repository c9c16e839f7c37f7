import { existsSync, readdirSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { readArchive, type ArchiveDescription } from '../../../../workers/files/archive.ts'
import type { GzipDescription } from '../../../../workers/files/archive/gzip.ts'
import type { TarDescription } from '../../../../workers/files/archive/tar.ts'
import type { ZipDescription } from '../../../../workers/files/archive/zip.ts'
import type { Reading } from '../../../../workers/files/reading.ts'
import { store } from '../subject.ts'

interface Described {
  zip: ZipDescription
  gz: GzipDescription
  tar: TarDescription
}

/** Reads an archive as processFile() does for a file of this kind. */
export async function read<Extension extends keyof Described>(
  t: ExecutionContext,
  content: Uint8Array,
  extension: Extension,
  reading: Partial<Reading> = {},
): Promise<Described[Extension]> {
  const file = await store(t, content)
  const kind = { family: 'archive', extension, mime: '' } as const
  const signal = new AbortController().signal
  const { archive } = await readArchive({ file, kind, signal, progress: () => {}, widths: [], ...reading })
  return archive as Described[Extension]
}

/** The codes of an archive's findings, each once. */
export function codesOf(archive: ArchiveDescription): string[] {
  return Object.keys(archive.findingCounts)
}

/** How many files this process has open; undefined where the system does not say. */
export function openFiles(): number | undefined {
  return existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : undefined
}
