import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoredFile } from 'afterwork/worker'
import type { ExecutionContext } from 'ava'
import { RunningTask } from '../../../src/pool/worker/current.ts'

/** A stored file in a folder of its own, which goes when the test ends. */
export async function store(
  t: ExecutionContext,
  content: Uint8Array | string,
  claim: Partial<StoredFile> = {},
): Promise<StoredFile> {
  const folder = await mkdtemp(join(tmpdir(), 'afterwork-files-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'original')
  await writeFile(path, content)
  const size = Buffer.byteLength(content)
  return { id: 'original', name: 'holiday.jpg', type: 'image/jpeg', size, path, ...claim }
}

/** A task to run processFile() in, that hands on what it says of its progress. */
export function runningTask(progress: (fraction: number, message: string) => void = () => {}): RunningTask {
  const catalog = { tasks: '', names: new Set<string>(), pools: new Set<string>(), teardown: false }
  const envelope = { id: 'task', name: 'files.processFile', attempt: 1, args: '[]' }
  return Object.defineProperty(new RunningTask(envelope, catalog, 0), 'progress', { value: progress })
}

export function folderOf(file: StoredFile): Promise<string[]> {
  return readdir(join(file.path, '..'))
}

export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex')
}
