import { open } from 'node:fs/promises'
import { readGzip, type GzipDescription } from './archive/gzip.ts'
import { readTar, type TarDescription } from './archive/tar.ts'
import { readZip, type ZipDescription } from './archive/zip.ts'
import type { Findings, Reading } from './reading.ts'

/** What is in an archive, and what whoever unpacks it should know; `format` says which of them it is. */
export type ArchiveDescription = ZipDescription | GzipDescription | TarDescription

/**
 * Lists a ZIP archive or what is built as one, a gzip file, or a tar, also inside gzip. Nothing is unpacked onto the disk,
 * and nothing inflated without a bound. A hostile archive is described, and its findings say what is wrong with it.
 * @throws BROKEN_ARCHIVE, UNSUPPORTED_ARCHIVE or ARCHIVE_TOO_LARGE; the signal's reason; the system's error
 */
export async function readArchive(reading: Reading): Promise<Findings> {
  const handle = await open(reading.file.path)
  try {
    const { extension } = reading.kind
    if (extension === 'gz') return { archive: await readGzip(handle, reading) }
    if (extension === 'tar') return { archive: await readTar(handle, reading) }
    return { archive: await readZip(handle, reading) }
  } finally {
    await handle.close()
  }
}
