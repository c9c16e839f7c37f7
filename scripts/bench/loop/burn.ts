import { createHash } from 'node:crypto'

const block = Buffer.alloc(16_384, 'afterwork')

/** Hashes until this thread has used `milliseconds` of CPU time, however often it was interrupted meanwhile. */
export function burn(milliseconds: number): string {
  const { user, system } = process.threadCpuUsage()
  const end = user + system + milliseconds * 1_000
  let digest = ''
  for (let used = 0; used < end;) {
    digest = createHash('sha256').update(digest).update(block).digest('hex')
    const now = process.threadCpuUsage()
    used = now.user + now.system
  }
  return digest
}
