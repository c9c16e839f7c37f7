import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** What each system is told. */
export interface UploadOptions {
  /** An empty one, for all it writes. */
  folder: string
  /** Whether the tasks of the service wait until the end. */
  paused: boolean
}

/** What a system has in its folder of uploads. */
export interface Stored {
  files: number
  /** Of all of them. */
  bytes: number
}

/** Looks at what was stored. */
export async function storedIn(folder: string): Promise<Stored> {
  const names = await readdir(folder)
  let bytes = 0
  for (const name of names) bytes += (await stat(join(folder, name))).size
  return { files: names.length, bytes }
}
