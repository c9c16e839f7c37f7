import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

/** Bytes of a piece: some tenths of a millisecond of hashing, and few enough turns of the loop between them. */
const piece = 1024 * 1024

/**
 * One pass over a file to its end, as it is then; SHA-256 as hexadecimal digits. One piece is read while the one before
 * is hashed, into the same two buffers all the time: a new one for each piece costs a third more.
 * @param progress hears how many bytes are done, after each piece
 * @throws the signal's reason, looked at after each piece; the system's error, such as ENOENT
 */
export async function digest(
  path: string,
  signal: AbortSignal,
  progress: (bytes: number) => void,
): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  const file = await open(path)
  const read = (into: Buffer): ReturnType<typeof file.read> => file.read(into, 0, piece, null)
  let [buffer, other] = [Buffer.allocUnsafeSlow(piece), Buffer.allocUnsafeSlow(piece)]
  let reading = read(buffer)
  try {
    for (;;) {
      const { bytesRead } = await reading
      signal.throwIfAborted()
      if (bytesRead === 0) break
      reading = read(other)
      hash.update(buffer.subarray(0, bytesRead))
      size += bytesRead
      progress(size)
      ;[buffer, other] = [other, buffer]
    }
  } finally {
    // Nothing may be read into a buffer, or fail unheard, once this has ended.
    await reading.catch(() => {})
    await file.close()
  }
  return { size, sha256: hash.digest('hex') }
}
