import { randomUUID } from 'node:crypto'
import { open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { BroadcastChannel } from 'node:worker_threads'
import { badOption } from '../core/errors.ts'
import type { StoredFile } from '../core/stored-file.ts'

/** What the threads tell the keeper of a folder: a file takes so many bytes more. */
export interface VariantNews {
  id: string
  bytes: number
}

/** The end of a name that is not whole yet: the sweep removes what a kill left of them. */
export const temporary = '.tmp'

/** Where a folder's keeper hears of variants: in this process, whichever thread wrote them. */
export function newsOf(folder: string): BroadcastChannel {
  return new BroadcastChannel(`afterwork.files:${folder}`)
}

/** Whether a variant may have that name. */
export function isVariantName(name: unknown): name is string {
  return typeof name === 'string' && /^[a-z0-9][a-z0-9-]{0,63}\.[a-z0-9]{1,8}$/.test(name)
}

/**
 * Stores what a task made of a file beside it, where GET /files/:id/:variant finds it and the sweep removes it with
 * its file. It is on disk when this resolves; a kill at any moment leaves the whole variant, the one before, or none.
 * @param name such as `w640.webp`: lower-case letters, digits and hyphens, a dot, an extension
 * @throws AFTERWORK_BAD_OPTION for another name; the system's error, such as ENOSPC, and then nothing of it is left
 * @example
 * await writeVariant(file, 'page1.png', await renderPage(file.path, 1))
 */
export async function writeVariant(
  file: Pick<StoredFile, 'path'>,
  name: string,
  data: Uint8Array,
): Promise<void> {
  if (!isVariantName(name)) throw badOption('writeVariant().name', `a name such as 'w640.webp'`, name)
  const path = `${file.path}.${name}`
  const unfinished = `${path}.${randomUUID()}${temporary}`
  const before = await sizeOf(path)
  try {
    await writeFile(unfinished, data, { flush: true })
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {})
    throw error
  }
  tell(file.path, data.length - before)
  await syncFolder(dirname(path))
}

/** Makes sure that new names in a folder survive a loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0
}

function tell(path: string, bytes: number): void {
  const channel = newsOf(dirname(path))
  channel.postMessage({ id: basename(path), bytes } satisfies VariantNews)
  channel.close()
}
