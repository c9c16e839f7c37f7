import { isUtf8 } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { fileError } from '../error.ts'
import { modified } from './entry.ts'
import { readAt } from './window.ts'

/** What precedes the data of a gzip member; RFC 1952, section 2.3. */
export interface MemberHeader {
  /** Bytes of the header. */
  length: number
  name?: string
  comment?: string
  /** ISO 8601. */
  modifiedAt?: string
}

const flag = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 }
const fixedSize = 10
/** An extra field has up to 64 kB, and a name or a comment of that length is none. */
const maxHeader = 128 * 1024

/** Reads the header of a gzip member; throws BROKEN_ARCHIVE for none, and for one of more than 128 kB. */
export async function readMemberHeader(handle: FileHandle, position: number): Promise<MemberHeader> {
  const fixed = await readAt(handle, position, fixedSize)
  const flags = fixed[3] ?? 0
  const isSound = fixed.length === fixedSize && fixed.readUInt32BE(0) >>> 8 === 0x1f8b08
  if (!isSound || (flags & flag.reserved) !== 0) throw broken()
  const seconds = fixed.readUInt32LE(4)
  const time = modified(seconds === 0 ? undefined : new Date(seconds * 1000))
  if (flags === 0) return { length: fixedSize, ...time }

  const bytes = await readAt(handle, position, maxHeader)
  let at = fixedSize
  const skip = (length: number) => {
    at += length
    if (at > bytes.length) throw broken()
  }
  const text = () => {
    const from = at
    const end = bytes.indexOf(0, from)
    if (end < 0) throw broken()
    at = end + 1
    const raw = bytes.subarray(from, end)
    // Latin-1 by the standard, UTF-8 by what is in use.
    return isUtf8(raw) ? raw.toString() : raw.toString('latin1')
  }
  if ((flags & flag.extra) !== 0) {
    skip(2)
    skip(bytes.readUInt16LE(at - 2))
  }
  const name = (flags & flag.name) !== 0 ? text() : undefined
  const comment = (flags & flag.comment) !== 0 ? text() : undefined
  if ((flags & flag.headerCrc) !== 0) skip(2)
  return {
    length: at,
    ...(name !== undefined && { name }),
    ...(comment !== undefined && { comment }),
    ...time,
  }
}

function broken() {
  return fileError('BROKEN_ARCHIVE', 'Expected a whole gzip file, got one with a damaged header')
}
