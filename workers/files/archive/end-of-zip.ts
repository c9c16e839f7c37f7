import { fileError } from '../error.ts'
import type { FileWindow } from './window.ts'

/** What the end of a ZIP archive says of it; APPNOTE.TXT 6.3.10, sections 4.3.14 to 4.3.16. */
export interface EndOfZip {
  /** Where the archive begins in the file: what lies before it is no part of it. */
  start: number
  /** Where it ends in the file. */
  end: number
  /** Where its directory begins, from the start of the archive. */
  directory: number
  directorySize: number
  /** As many as it says it has. */
  entries: number
  zip64: boolean
}

const mark = 'PK\x05\x06'
/** Marks of an end that are looked at: hostile files have a hundred thousand. */
const maxTried = 1000
const endSize = 22
const locatorSize = 20
const zip64EndSize = 56
/** Room for a comment of 64 kB, and for what was put after the archive. */
const searched = 1024 * 1024

/**
 * Finds the end of a ZIP archive, also if something lies before the archive or after it: yauzl, like many a program, finds
 * no entries then, others do, and what is in the file should not depend on that.
 * @throws BROKEN_ARCHIVE for a file without such an end, and for a directory that does not lie in the file
 */
export async function endOfZip(file: FileWindow): Promise<EndOfZip> {
  const base = Math.max(0, file.size - searched)
  const tail = await file.bytes(base, file.size - base)
  let last: EndOfZip | undefined
  let at = tail.lastIndexOf(mark)
  for (let tried = 0; at >= 0 && tried < maxTried; tried++) {
    const found = await endAt(file, base, tail, at)
    // The one with nothing after it counts, even if its comment looks like another.
    if (found?.end === file.size) return found
    last ??= found
    at = at > 0 ? tail.lastIndexOf(mark, at - 1) : -1
  }
  if (last !== undefined) return last
  throw fileError('BROKEN_ARCHIVE', 'Expected a whole ZIP archive, got one whose directory is not there')
}

async function endAt(
  file: FileWindow,
  base: number,
  tail: Buffer,
  at: number,
): Promise<EndOfZip | undefined> {
  if (at + endSize > tail.length) return undefined
  const end = at + endSize + tail.readUInt16LE(at + 20)
  if (end > tail.length) return undefined
  const found = (await zip64End(file, base + at)) ?? plainEnd(tail.subarray(at), base + at)
  return (await hasDirectory(file, found)) ? { ...found, end: base + end } : undefined
}

function plainEnd(record: Buffer, at: number): Omit<EndOfZip, 'end'> {
  const directorySize = record.readUInt32LE(12)
  const directory = record.readUInt32LE(16)
  const entries = record.readUInt16LE(10)
  return { start: at - directorySize - directory, directory, directorySize, entries, zip64: false }
}

/** The larger record of archives beyond 4 GB or 65,535 entries, which lies before the plain one. */
async function zip64End(file: FileWindow, at: number): Promise<Omit<EndOfZip, 'end'> | undefined> {
  if (at < locatorSize + zip64EndSize) return undefined
  const locator = await file.bytes(at - locatorSize, locatorSize)
  if (locator.readUInt32LE(0) !== 0x07064b50) return undefined
  const claimed = Number(locator.readBigUInt64LE(8))
  // Right before the locator, if something lies before the archive and so the offsets are wrong by its length.
  for (const position of [claimed, at - locatorSize - zip64EndSize]) {
    const record = await file.bytes(position, zip64EndSize)
    if (record.length < zip64EndSize || record.readUInt32LE(0) !== 0x06064b50) continue
    const [entries, directorySize, directory] = [32, 40, 48].map((offset) =>
      Number(record.readBigUInt64LE(offset)),
    ) as [number, number, number]
    return { start: position - claimed, directory, directorySize, entries, zip64: true }
  }
  return undefined
}

async function hasDirectory(file: FileWindow, found: Omit<EndOfZip, 'end'>): Promise<boolean> {
  // Some archives have something between directory and end, and their offsets are right all the same.
  for (const start of new Set([found.start, 0])) {
    if (start < 0 || start + found.directory + found.directorySize > file.size) continue
    const signature = await file.bytes(start + found.directory, 4)
    if (found.entries > 0 && (signature.length < 4 || signature.readUInt32LE(0) !== 0x02014b50)) continue
    found.start = start
    return true
  }
  return false
}
