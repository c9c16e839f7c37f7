import type { Source } from './source.ts'

/** What a tag says: a text of ASCII, UTF-8 or whatever the camera took for it, or numbers; 0/0 is NaN. */
export type ExifValue = Buffer | readonly number[]

/** Those tags of an EXIF block that readExif() was asked for and that can be read. */
export interface Exif {
  image: ReadonlyMap<number, ExifValue>
  photo: ReadonlyMap<number, ExifValue>
  gps: ReadonlyMap<number, ExifValue>
}

/** The tags to read of each directory. */
export type WantedTags = Readonly<Record<keyof Exif, ReadonlySet<number>>>

const photoPointer = 0x8769
const gpsPointer = 0x8825

/** No camera writes half as many tags into a directory. */
const maxEntries = 1_000
/** Bytes of a text that are looked at; the rest of a longer one is left where it is. */
const maxText = 1_024
/** No tag that we know has more numbers. */
const maxNumbers = 4

interface ByteOrder {
  short: (bytes: Buffer, at: number) => number
  long: (bytes: Buffer, at: number) => number
  signedLong: (bytes: Buffer, at: number) => number
}

const littleEndian: ByteOrder = {
  short: (bytes, at) => bytes.readUInt16LE(at),
  long: (bytes, at) => bytes.readUInt32LE(at),
  signedLong: (bytes, at) => bytes.readInt32LE(at),
}
const bigEndian: ByteOrder = {
  short: (bytes, at) => bytes.readUInt16BE(at),
  long: (bytes, at) => bytes.readUInt32BE(at),
  signedLong: (bytes, at) => bytes.readInt32BE(at),
}

/** A type of values: its size in bytes, and how a number of it is read; without that it is text. */
interface ValueType {
  size: number
  number?: (bytes: Buffer, at: number, order: ByteOrder) => number
}

/** By their codes in TIFF 6.0; 129 is UTF-8, of EXIF 3.0. */
const types = new Map<number, ValueType>([
  [1, { size: 1, number: (bytes, at) => bytes[at]! }],
  [2, { size: 1 }],
  [3, { size: 2, number: (bytes, at, { short }) => short(bytes, at) }],
  [4, { size: 4, number: (bytes, at, { long }) => long(bytes, at) }],
  [5, { size: 8, number: (bytes, at, { long }) => long(bytes, at) / long(bytes, at + 4) }],
  [9, { size: 4, number: (bytes, at, { signedLong }) => signedLong(bytes, at) }],
  [10, { size: 8, number: (bytes, at, { signedLong }) => signedLong(bytes, at) / signedLong(bytes, at + 4) }],
  [129, { size: 1 }],
])

/**
 * Reads some tags of an EXIF block, or of a TIFF, which is built alike (CIPA DC-008, TIFF 6.0). What it does is bounded by
 * what it is asked for, whatever the block claims: libraries that read every tag make gigabytes of a block of 64 kB whose
 * tags all claim to have all of it. A tag that cannot be read is left out; undefined if this is no EXIF at all.
 */
export async function readExif(source: Source, wanted: WantedTags): Promise<Exif | undefined> {
  const header = await source.read(0, 8)
  const order = orderOf(header)
  if (order === undefined) return undefined
  const pointers = new Set([...wanted.image, photoPointer, gpsPointer])
  const image = await readDirectory(source, order, order.long(header, 4), pointers)
  return {
    image,
    photo: await readPointed(image.get(photoPointer), wanted.photo),
    gps: await readPointed(image.get(gpsPointer), wanted.gps),
  }

  async function readPointed(pointer: ExifValue | undefined, tags: ReadonlySet<number>) {
    if (pointer === undefined || Buffer.isBuffer(pointer) || !Number.isSafeInteger(pointer[0]))
      return new Map()
    return readDirectory(source, order!, pointer[0]!, tags)
  }
}

function orderOf(header: Buffer): ByteOrder | undefined {
  if (header.length < 8) return undefined
  const start = header.toString('latin1', 0, 4)
  if (start === 'II*\0') return littleEndian
  return start === 'MM\0*' ? bigEndian : undefined
}

async function readDirectory(
  source: Source,
  order: ByteOrder,
  offset: number,
  wanted: ReadonlySet<number>,
): Promise<Map<number, ExifValue>> {
  const tags = new Map<number, ExifValue>()
  if (offset < 8) return tags
  const count = await source.read(offset, 2)
  if (count.length < 2) return tags
  const length = 12 * Math.min(order.short(count, 0), maxEntries)
  const entries = await source.read(offset + 2, length)
  for (let at = 0; at + 12 <= entries.length; at += 12) {
    const tag = order.short(entries, at)
    if (!wanted.has(tag) || tags.has(tag)) continue
    const value = await readValue(source, order, entries.subarray(at, at + 12))
    if (value !== undefined) tags.set(tag, value)
  }
  return tags
}

async function readValue(source: Source, order: ByteOrder, entry: Buffer): Promise<ExifValue | undefined> {
  const type = types.get(order.short(entry, 2))
  if (type === undefined) return undefined
  const claimed = order.long(entry, 4)
  const count = Math.min(claimed, type.number === undefined ? maxText : maxNumbers)
  const inline = claimed * type.size <= 4
  const bytes = inline
    ? entry.subarray(8, 8 + count * type.size)
    : await source.read(order.long(entry, 8), count * type.size)
  if (type.number === undefined) return Buffer.from(bytes)
  if (count === 0 || bytes.length < count * type.size) return undefined
  return Array.from({ length: count }, (_, index) => type.number!(bytes, index * type.size, order))
}
