import { randomUUID } from 'node:crypto'
import { link, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder, temporary } from './variant.ts'

/** How file systems without hard links refuse one. */
const noLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EMLINK']
/** Longer than any mark, in bytes. */
const mostBytes = 256

/** The file by which a folder is known for the same one, wherever it is looked at from. */
export function markFile(folder: string): string {
  return join(folder, '.afterwork-folder')
}

/** The mark of a folder, or undefined if it has none; throws the system's error when it cannot be read. */
export async function readMark(folder: string): Promise<string | undefined> {
  try {
    const handle = await open(markFile(folder))
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(mostBytes))
      return buffer.toString('utf8', 0, bytesRead).trim()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Marks a folder, on disk when this resolves, unless it is marked: several may try at once. Gives the mark that it has. */
export async function makeMark(folder: string, mark: string): Promise<string> {
  const found = await readMark(folder)
  if (found !== undefined) return found
  const unfinished = `${markFile(folder)}.${randomUUID()}${temporary}`
  await writeFile(unfinished, `${mark}\n`, { flush: true })
  try {
    await linkOrWrite(unfinished, markFile(folder), `${mark}\n`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(unfinished, { force: true })
  }
  await syncFolder(folder)
  return (await readMark(folder)) ?? mark
}

/** Takes a mark away. */
export async function removeMark(folder: string): Promise<void> {
  await rm(markFile(folder), { force: true })
}

/** A link appears whole or not at all, and never in the place of another. */
async function linkOrWrite(from: string, to: string, text: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (!noLinks.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    await writeFile(to, text, { flag: 'wx', flush: true })
  }
}
