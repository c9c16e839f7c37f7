import type { FileStore } from './store.ts'

/** What a sweep must know of a file: whether tasks name it, and when the last of them ended. */
export interface FileUsage {
  inUse: boolean
  endedAt: number | null
}

/** A file that no task names may be an upload that is not committed yet: that long it is left alone, in milliseconds. */
const uploadTime = 3_600_000

/**
 * Removes the files that nothing needs any more: those whose tasks all ended more than `keep` milliseconds ago, and
 * those that no task names. Gives the ids of what it removed.
 */
export async function sweep(
  store: FileStore,
  usageOf: (id: string) => Promise<FileUsage | undefined>,
  keep: number,
  now: number = Date.now(),
): Promise<string[]> {
  const removed: string[] = []
  for (const { id, names, writtenAt } of await store.list()) {
    const usage = await usageOf(id)
    const unneeded = usage === undefined ? writtenAt + uploadTime < now : isOver(usage, keep, now)
    if (!unneeded) continue
    await store.remove(names)
    removed.push(id)
  }
  return removed
}

function isOver({ inUse, endedAt }: FileUsage, keep: number, now: number): boolean {
  return !inUse && endedAt !== null && endedAt + keep < now
}
