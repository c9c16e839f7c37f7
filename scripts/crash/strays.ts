import { randomUUID } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { newId } from '../../src/core/id.ts'

/** What lies in the folder of stored files before and after the last sweep. */
export interface SeenFolder {
  before: string[]
  after: string[]
}

/** What no task names: kills leave it, the next start sweeps it away. */
export interface Strays {
  uploads: number
  temporary: number
}

/** How old a file that nothing names must be for the last sweep, in milliseconds. */
export const keepUnnamed = 1_000

/** How long the last sweep may take, in milliseconds. */
const patience = 20_000

/** Puts into the folder what a kill would leave, for a run in which none did: an upload and a thumbnail, both cut. */
export async function plant(folder: string): Promise<void> {
  const names = [newId(), `${newId()}.w80.webp.${randomUUID()}.tmp`]
  for (const name of names) await writeFile(join(folder, name), 'cut')
}

/** Whether a name in the folder is that of something left: `named` are the ids of the files that tasks name. */
export function isStray(name: string, named: ReadonlySet<string>): boolean {
  // By such a file the folder itself is known.
  if (name.startsWith('.')) return false
  return name.endsWith('.tmp') || !named.has(name.slice(0, 36))
}

export function countStrays(names: readonly string[], named: ReadonlySet<string>): Strays {
  const temporary = names.filter((name) => name.endsWith('.tmp')).length
  return { uploads: names.filter((name) => !name.includes('.') && !named.has(name)).length, temporary }
}

/** What is in the folder once nothing of it is a stray, or once the sweep has had its time. */
export async function sweptFolder(
  folder: string,
  named: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<string[]> {
  const end = Date.now() + patience
  for (;;) {
    const names = await readdir(folder)
    if (Date.now() > end || !names.some((name) => isStray(name, named))) return names
    await wait(100, undefined, { signal })
  }
}
