import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, open, readdir, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where systems write: the folder that AFTERWORK_BENCH_DIR names, or else the one for temporary files. */
export interface Storage {
  folder: string
  /** The file system, 'ext4' say; its number in hexadecimal where it has no name here. */
  type: string
  /** Whether what is synced there is on a disk; in memory fsync costs nothing, and a durable queue flatters itself. */
  onDisk: boolean
}

/** File systems by their numbers in statfs(2). */
const names: Record<number, string> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x2fc12fc1: 'zfs',
  0x794c7630: 'overlayfs',
  0x01021994: 'tmpfs',
  0x858458f6: 'ramfs',
}
/** A process that was just told to end may still write there. */
const removal = { recursive: true, force: true, maxRetries: 5 }

const inMemory: readonly string[] = ['tmpfs', 'ramfs']

/** What is known of the folder for the files of benchmarks; it is made where there is none. */
export async function findStorage(folder = process.env['AFTERWORK_BENCH_DIR'] ?? tmpdir()): Promise<Storage> {
  await mkdir(folder, { recursive: true })
  const { type: number } = await statfs(folder)
  const type = names[number] ?? `0x${number.toString(16)}`
  return { folder, type, onDisk: !inMemory.includes(type) }
}

/** Calls back with a new empty folder, which is removed afterwards, also when the process exits before that. */
export async function withFolder<T>({ folder }: Storage, use: (folder: string) => Promise<T>): Promise<T> {
  // At once: an exit in between would leave it.
  const own = mkdtempSync(join(folder, 'afterwork-bench-'))
  const removeNow = (): void => rmSync(own, removal)
  process.once('exit', removeNow)
  try {
    return await use(own)
  } finally {
    await rm(own, removal)
    process.off('exit', removeNow)
  }
}

/** Waits until the files of a folder are on the disk, so that no later fsync pays for them. */
export async function syncFolder(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = await open(join(entry.parentPath, entry.name), 'r+')
    await file.sync()
    await file.close()
  }
}
