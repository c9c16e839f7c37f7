import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Preparation } from '../harness/benchmark.ts'
import { syncFolder } from '../harness/storage.ts'
import type { FillParameters } from './filling.ts'
import { isKept, queueUrl } from './url.ts'

/** How many tasks wait in the two queues that are compared. */
export interface Waiting {
  few: number
  many: number
}

/** Fills both queues, once for all trials: a million adds take longer than what is measured. */
export async function prepareQueues({
  size,
  folder,
  start,
}: Preparation<{ waiting: Waiting }>): Promise<void> {
  const filling = await start({ module: import.meta.resolve('./filling.ts') })
  for (const [name, waiting] of Object.entries(size.waiting)) {
    const own = join(folder, name)
    await mkdir(own)
    const url = queueUrl(own)
    if (isKept(url)) await filling.ask('fill', { url, waiting } satisfies FillParameters)
  }
}

/** A copy of a filled queue for one trial, which may change it; gives its URL. */
export async function copyQueue(prepared: string, name: keyof Waiting, folder: string): Promise<string> {
  const own = join(folder, name)
  await cp(join(prepared, name), own, { recursive: true })
  await syncFolder(own)
  return queueUrl(own)
}
