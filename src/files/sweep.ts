import type { FileStore, FolderEntry } from './store.ts'

/** What a sweep must know of a file: whether tasks name it, and when the last of them ended. */
export interface FileUsage {
  inUse: boolean
  endedAt: number | null
}

/** How long a sweep leaves files alone, in milliseconds. */
export interface SweepLimits {
  /** After the last task that named a file has ended. */
  keep: number
  /** After it was last written, when no task names it: a request of another process may be about to. */
  keepUnnamed: number
}

/** How long an unfinished variant may be on its way before it counts as left by a kill, in milliseconds. */
const unfinishedTime = 3_600_000

/**
 * Removes the files that nothing needs any more: those whose tasks all ended long ago, those that no task names, and
 * what a kill left of variants; never one of a request that is under way in this process. Gives the ids of what it
 * removed. One that cannot be removed does not keep the others, and is thrown at the end.
 * @param signal ends it before the next file, without an error
 */
export async function sweep(
  store: FileStore,
  usageOf: (id: string) => Promise<FileUsage | undefined>,
  limits: SweepLimits,
  { now = Date.now(), signal }: { now?: number; signal?: AbortSignal } = {},
): Promise<string[]> {
  const removed: string[] = []
  const errors: unknown[] = []
  for (const entry of await store.list()) {
    if (signal?.aborted === true) break
    if (store.isOpen(entry.id)) continue
    const unneeded = isUnneeded(await usageOf(entry.id), entry, limits, now)
    try {
      await store.remove(unneeded ? entry.names : leftUnfinished(entry, limits, now))
      if (unneeded) removed.push(entry.id)
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
  return removed
}

function isUnneeded(
  usage: FileUsage | undefined,
  { writtenAt }: FolderEntry,
  { keep, keepUnnamed }: SweepLimits,
  now: number,
): boolean {
  if (usage === undefined) return writtenAt + keepUnnamed < now
  return !usage.inUse && usage.endedAt !== null && usage.endedAt + keep < now
}

function leftUnfinished({ unfinished }: FolderEntry, { keepUnnamed }: SweepLimits, now: number): string[] {
  const time = Math.min(unfinishedTime, keepUnnamed)
  return unfinished.filter(({ writtenAt }) => writtenAt + time < now).map(({ name }) => name)
}
