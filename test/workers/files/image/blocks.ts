import { crc32 } from 'node:zlib'

/** One entry of a directory: a code of TIFF 6.0 for its type, how many values it claims to have, and their bytes. */
export interface Entry {
  tag: number
  type: number
  count: number
  /** Four bytes, or fewer, are in the entry itself; a number is an offset, whether there is something or not. */
  value: Buffer | number
}

/** An entry of text. */
export function text(tag: number, value: string | Buffer): Entry {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(`${value}\0`, 'latin1')
  return { tag, type: 2, count: bytes.length, value: bytes }
}

/** An entry of numbers of 16 bits. */
export function short(tag: number, ...numbers: number[]): Entry {
  const value = Buffer.alloc(2 * numbers.length)
  for (const [index, number] of numbers.entries()) value.writeUInt16LE(number, 2 * index)
  return { tag, type: 3, count: numbers.length, value }
}

/** An entry of fractions. */
export function rational(tag: number, ...fractions: [number, number][]): Entry {
  const value = Buffer.alloc(8 * fractions.length)
  for (const [index, [above, below]] of fractions.entries()) {
    value.writeUInt32LE(above, 8 * index)
    value.writeUInt32LE(below, 8 * index + 4)
  }
  return { tag, type: 5, count: fractions.length, value }
}

/** A little-endian EXIF block of these directories, or a TIFF, if its entries are those of one. */
export function exifBlock(image: Entry[], photo: Entry[] = [], gps: Entry[] = []): Buffer {
  const size = (entries: Entry[]) => 2 + 12 * entries.length + 4
  const pointers = 12 * 2
  const photoAt = 8 + size(image) + pointers
  const gpsAt = photoAt + size(photo)
  const dataAt = gpsAt + size(gps)
  const data: Buffer[] = []
  let end = dataAt
  const directory = (entries: Entry[]) => {
    const block = Buffer.alloc(size(entries))
    block.writeUInt16LE(entries.length)
    for (const [index, { tag, type, count, value }] of entries.entries()) {
      const at = 2 + 12 * index
      block.writeUInt16LE(tag, at)
      block.writeUInt16LE(type, at + 2)
      block.writeUInt32LE(count, at + 4)
      if (typeof value === 'number') block.writeUInt32LE(value, at + 8)
      else if (value.length <= 4) value.copy(block, at + 8)
      else {
        block.writeUInt32LE(end, at + 8)
        data.push(value)
        end += value.length
      }
    }
    return block
  }
  const long = (tag: number, value: number) => ({ tag, type: 4, count: 1, value })
  const header = Buffer.from('II*\0\x08\0\0\0', 'latin1')
  const parts = [directory([...image, long(0x8769, photoAt), long(0x8825, gpsAt)])]
  return Buffer.concat([header, ...parts, directory(photo), directory(gps), ...data])
}

/** A JPEG with one more segment, such as 0xe1 for EXIF, right at its beginning. */
export function withSegment(jpeg: Buffer, marker: number, content: Buffer): Buffer {
  const header = Buffer.from([0xff, marker, 0, 0])
  header.writeUInt16BE(content.length + 2, 2)
  return Buffer.concat([jpeg.subarray(0, 2), header, content, jpeg.subarray(2)])
}

/** A JPEG with this EXIF block. */
export function withExif(jpeg: Buffer, block: Buffer): Buffer {
  return withSegment(jpeg, 0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), block]))
}

/** A chunk of a PNG. */
export function chunk(type: string, content: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), content])
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(content.length)
  checksum.writeUInt32BE(crc32(typed))
  return Buffer.concat([length, typed, checksum])
}

/** A PNG with more chunks, between its header and its pixels. */
export function withChunks(png: Buffer, ...chunks: Buffer[]): Buffer {
  return Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)])
}
