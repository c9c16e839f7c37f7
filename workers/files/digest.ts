import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/** One pass over a file, a mebibyte at a time; SHA-256 as hexadecimal digits. */
export async function digest(
  path: string,
  signal: AbortSignal,
  progress: (bytes: number) => void,
): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    signal.throwIfAborted()
    hash.update(chunk)
    size += chunk.length
    progress(size)
  }
  return { size, sha256: hash.digest('hex') }
}
