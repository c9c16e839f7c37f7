import { closeSync, fstatSync, openSync } from 'node:fs'
import { endianness } from 'node:os'
import { readAt } from './read.ts'

/** Sizes of a WAL's header and of that of each frame (https://sqlite.org/fileformat2.html, 4). */
const [headerSize, frameHeaderSize] = [32, 24]
/** The magic number without its lowest bit, which says in which order the bytes were summed. */
const magic = 0x377f0682

/** What the write-ahead log beside a database holds. */
export interface Wal {
  /** Undefined where its header is damaged. */
  pageSize: number | undefined
  /** Where in the file the last committed content of each page is, as SQLite reads it: up to the first damage. */
  chained: ReadonlyMap<number, number>
  /** Likewise, with what is sound behind the damage. */
  whole: ReadonlyMap<number, number>
  /** Size of the database in pages, after the last commit of each; 0 where nothing was committed. */
  chainedPages: number
  wholePages: number
  /** Commits that SQLite would pass over are in `whole`. */
  torn: boolean
}

const none: Wal = {
  pageSize: undefined,
  chained: new Map(),
  whole: new Map(),
  chainedPages: 0,
  wholePages: 0,
  torn: false,
}

/**
 * Reads a WAL; one that is not there is empty. SQLite stops at the first frame whose sum is wrong, and forgets all
 * commits behind it. But each frame holds the sum up to itself, from which that of the next one goes on: so every
 * frame can be checked with the header of the one before it alone, and those behind a damaged one are not lost.
 */
export function readWal(file: string, guessedPageSize: number): Wal {
  let descriptor: number
  try {
    descriptor = openSync(file, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return none
    throw error
  }
  try {
    return read(descriptor, guessedPageSize)
  } finally {
    closeSync(descriptor)
  }
}

function read(descriptor: number, guessedPageSize: number): Wal {
  const fileSize = fstatSync(descriptor).size
  const header = readAt(descriptor, 0, headerSize) ?? Buffer.alloc(headerSize)
  const little = header.readUInt32BE(0) >>> 1 === magic >>> 1 ? (header[3]! & 1) === 0 : endianness() === 'LE'
  const sound =
    header.readUInt32BE(0) >>> 1 === magic >>> 1 && isSum(header, 24, sum([0, 0], little, header, 0, 24))
  const pageSize = sound ? header.readUInt32BE(8) : guessedPageSize
  // Frames of before the log was begun anew have other salts; where those of the header are lost, the first frame says.
  let salts = sound ? header.subarray(16, 24) : undefined
  let before: [number, number] = [header.readUInt32BE(24), header.readUInt32BE(28)]
  let chained = sound
  let torn = false
  const maps = { chained: new Map<number, number>(), whole: new Map<number, number>() }
  const pages = { chained: 0, whole: 0 }
  const pending = new Map<number, number>()
  const frameSize = frameHeaderSize + pageSize
  for (let at = headerSize; at + frameSize <= fileSize; at += frameSize) {
    const frame = readAt(descriptor, at, frameSize) ?? Buffer.alloc(frameSize)
    const summed = sum(sum(before, little, frame, 0, 8), little, frame, frameHeaderSize, frame.length)
    before = [frame.readUInt32BE(16), frame.readUInt32BE(20)]
    const own = isSum(frame, 16, summed) && (salts?.equals(frame.subarray(8, 16)) ?? true)
    if (!own) {
      chained = false
      continue
    }
    salts ??= Buffer.from(frame.subarray(8, 16))
    pending.set(frame.readUInt32BE(0), at + frameHeaderSize)
    const size = frame.readUInt32BE(4)
    if (size === 0) continue
    for (const [page, offset] of pending) {
      maps.whole.set(page, offset)
      if (chained) maps.chained.set(page, offset)
    }
    pending.clear()
    pages.whole = size
    if (chained) pages.chained = size
    else torn = true
  }
  return {
    pageSize: sound ? pageSize : undefined,
    ...maps,
    chainedPages: pages.chained,
    wholePages: pages.whole,
    torn,
  }
}

function isSum(buffer: Buffer, at: number, [first, second]: [number, number]): boolean {
  return buffer.readUInt32BE(at) === first && buffer.readUInt32BE(at + 4) === second
}

/** SQLite's checksum of some bytes, going on from another. */
function sum(
  from: [number, number],
  little: boolean,
  buffer: Buffer,
  start: number,
  end: number,
): [number, number] {
  let [first, second] = from
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
  for (let at = start; at < end; at += 8) {
    first = (first + view.getUint32(at, little) + second) >>> 0
    second = (second + view.getUint32(at + 4, little) + first) >>> 0
  }
  return [first, second]
}
