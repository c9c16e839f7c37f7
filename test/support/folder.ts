import { watch } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ending } from './endings.ts'

/** How long a test waits for a folder to change, in milliseconds. */
const deadline = 90_000

/** A folder of its own, which goes when the test ends. */
export async function temporaryFolder(ending: Ending): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'afterwork-test-'))
  ending.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Resolves once the names in a folder are as wanted; looks each time the folder changes. */
export async function untilFolder(folder: string, wanted: (names: string[]) => boolean): Promise<string[]> {
  const signal = AbortSignal.timeout(deadline)
  const watcher = watch(folder, { signal })
  const changes: (() => void)[] = []
  watcher.on('change', () => changes.splice(0).forEach((look) => look()))
  // At the deadline it is closed, without an error.
  watcher.on('close', () => changes.splice(0).forEach((look) => look()))
  watcher.on('error', () => changes.splice(0).forEach((look) => look()))
  try {
    for (;;) {
      const change = new Promise<void>((resolve) => changes.push(resolve))
      const names = (await readdir(folder)).sort()
      if (wanted(names)) return names
      if (signal.aborted) throw new Error(`The folder still holds ${names.join(', ')}`)
      await change
    }
  } finally {
    watcher.close()
  }
}

export function isEmpty(names: string[]): boolean {
  return names.length === 0
}
