import { closeSync, openSync, readSync } from 'node:fs'

/** Of each part so much is read: its headers, and of a text the beginning. */
const partBytes = 16 * 1024
const headBytes = 64 * 1024
/** Of all parts together. */
const maxBytes = 512 * 1024
const maxLines = 10_000
const chunkBytes = 1024 ** 2
const boundary = Buffer.from('\n--')

/**
 * The beginning of each part of a message file, one after the other: a message with the same headers, parts and first
 * words, of at most 512 kB. Attachments of megabytes are read over, not decoded.
 */
export function skim(path: string): Uint8Array<ArrayBuffer> {
  const file = openSync(path, 'r')
  try {
    return firstLines(beginnings(file))
  } finally {
    closeSync(file)
  }
}

function beginnings(file: number): Buffer<ArrayBuffer> {
  const kept: Buffer[] = []
  const chunk = Buffer.allocUnsafe(chunkBytes)
  let room = maxBytes
  /** What may still be kept of the present part. */
  let wanted = headBytes
  /** Of a chunk before this one: a boundary may lie across the two. */
  let carried = 0
  for (;;) {
    const read = readSync(file, chunk, carried, chunk.length - carried, null)
    const end = carried + read
    const isLast = read === 0
    let at = 0
    let from = 0
    while (at < end && room > 0) {
      const next = chunk.subarray(0, end).indexOf(boundary, from)
      const stop = next === -1 ? (isLast ? end : Math.max(at, end - boundary.length + 1)) : next
      const taken = Math.min(stop - at, wanted, room)
      if (taken > 0) kept.push(Buffer.from(chunk.subarray(at, at + taken)))
      room -= taken
      wanted = next === -1 ? wanted - taken : partBytes
      at = stop
      from = next + 1
      if (next === -1) break
    }
    if (isLast || room === 0) return Buffer.concat(kept)
    chunk.copyWithin(0, at, end)
    carried = end - at
  }
}

/** Lines cost their reader far more than bytes. */
function firstLines(bytes: Buffer<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  let end = 0
  for (let lines = 0; lines < maxLines; lines++) {
    const next = bytes.indexOf('\n', end)
    if (next === -1) return bytes
    end = next + 1
  }
  return bytes.subarray(0, end)
}
