import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'

/**
 * Puts a complete file in the place of a damaged one, which keeps another name; gives that name. A database and its
 * WAL cannot be replaced as one, and either with the other's partner would be no queue. So the new WAL, which holds
 * every page of the new file, goes first: it makes the new queue of whatever file it is beside, and after each step
 * what a crash leaves is the damaged queue or the new one.
 */
export function swap(file: string, next: { file: string; wal: string }, now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  let kept = `${file}.damaged-${time}`
  for (let count = 2; existsSync(kept); count++) kept = `${file}.damaged-${time}-${count}`
  linkOrCopy(file, kept)
  const hasWal = (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
  if (hasWal) linkOrCopy(`${file}-wal`, `${kept}-wal`)
  syncFolder(file)
  if (hasWal) {
    renameSync(next.wal, `${file}-wal`)
    syncFolder(file)
  }
  renameSync(next.file, file)
  syncFolder(file)
  rmSync(`${file}-wal`, { force: true })
  // An index of the WAL, which SQLite makes anew.
  if (existsSync(`${file}-shm`)) renameSync(`${file}-shm`, `${kept}-shm`)
  syncFolder(file)
  return kept
}

/** A second name for a file; a copy where the file system knows no such thing. */
export function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch (error) {
    if (
      !['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(
        (error as { code?: string }).code ?? '',
      )
    )
      throw error
    copyFileSync(from, to, constants.COPYFILE_EXCL)
    const descriptor = openSync(to, 'r+')
    fsyncSync(descriptor)
    closeSync(descriptor)
  }
}

/** Has the folder of a file know its names for good. */
export function syncFolder(file: string): void {
  const descriptor = openSync(dirname(file), 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
