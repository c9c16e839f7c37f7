import { readSync } from 'node:fs'

/** Bytes of a file, with zeros behind its end; undefined where the disk cannot read them. */
export function readAt(descriptor: number, at: number, size: number): Buffer | undefined {
  const buffer = Buffer.alloc(size)
  try {
    for (let read = 0; read < size;) {
      const count = readSync(descriptor, buffer, read, size - read, at + read)
      if (count === 0) break
      read += count
    }
    return buffer
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return undefined
    throw error
  }
}
