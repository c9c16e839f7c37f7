import { open, type FileHandle } from 'node:fs/promises'

/** Bytes that are read here and there: a file, or a block that is in memory. */
export interface Source {
  /** Fewer bytes than asked for, or none, where the source ends; what is given is read, never written to. */
  read(offset: number, length: number): Promise<Buffer>
}

/** Small pieces are read in one go with what follows them, for the next ones are mostly there. */
const windowSize = 16 * 1024

/** A source of what is in memory. */
export function blockSource(block: Buffer): Source {
  return { read: (offset, length) => Promise.resolve(block.subarray(offset, offset + length)) }
}

/**
 * Lends a file as a source and closes it in the end.
 * @throws the signal's reason at the next piece that comes from the disk; the system's error, such as ENOENT
 */
export async function withFile<T>(
  path: string,
  signal: AbortSignal,
  use: (source: Source) => Promise<T>,
): Promise<T> {
  const handle = await open(path)
  try {
    return await use(fileSource(handle, signal))
  } finally {
    await handle.close()
  }
}

function fileSource(handle: FileHandle, signal: AbortSignal): Source {
  let start = 0
  let window = Buffer.alloc(0)
  return {
    async read(offset, length) {
      if (offset < start || offset + length > start + window.length) {
        signal.throwIfAborted()
        const buffer = Buffer.alloc(Math.max(length, windowSize))
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
        if (length > windowSize) return buffer.subarray(0, Math.min(length, bytesRead))
        window = buffer.subarray(0, bytesRead)
        start = offset
      }
      return window.subarray(offset - start, offset - start + length)
    },
  }
}
