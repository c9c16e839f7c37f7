import { crc32, deflateRawSync } from 'node:zlib'

/** Header fields to lie in, by their names in the format's description. */
export interface ZipFields {
  versionMadeBy: number
  flags: number
  method: number
  crc: number
  compressedSize: number
  size: number
  attributes: number
  /** Where the local header is said to be. */
  offset: number
  name: Buffer
  extra: Buffer
}

/** An entry to write; without more than a name and data it is sound. */
export interface ZipEntry {
  name: string | Buffer
  data?: string | Buffer
  /** Stored by default. */
  deflate?: boolean
  /** Unix mode with the file's type, such as 0o120777 for a symbolic link. */
  mode?: number
  /** What is written before the data only. */
  local?: Partial<ZipFields>
  /** What is written into the directory only. */
  central?: Partial<ZipFields>
  /** Written in both places. */
  both?: Partial<ZipFields>
}

/** Around the entries; what is not given is sound. */
export interface ZipFrame {
  prefix?: Buffer
  trailing?: Buffer
  comment?: string | Buffer
  /** How many entries the end says there are. */
  entries?: number
  directoryOffset?: number
  zip64?: boolean
}

/** Writes a ZIP archive (APPNOTE.TXT 6.3.10) that may lie anywhere. */
export function zip(entries: readonly ZipEntry[], frame: ZipFrame = {}): Buffer {
  const locals: Buffer[] = []
  const centrals: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const { fields, data } = fieldsOf(entry, offset)
    const local = localHeader({ ...fields, ...entry.local })
    locals.push(local, data)
    centrals.push(centralHeader({ ...fields, ...entry.central }))
    offset += local.length + data.length
  }
  const directory = Buffer.concat(centrals)
  const end = endOf(frame, entries.length, directory.length, offset)
  const nothing = Buffer.alloc(0)
  return Buffer.concat([frame.prefix ?? nothing, ...locals, directory, end, frame.trailing ?? nothing])
}

function fieldsOf(entry: ZipEntry, offset: number): { fields: ZipFields; data: Buffer } {
  const content = Buffer.from(entry.data ?? '')
  const data = entry.deflate === true ? deflateRawSync(content) : content
  const isText = typeof entry.name === 'string'
  const fields = {
    versionMadeBy: entry.mode === undefined ? 20 : (3 << 8) | 20,
    flags: isText ? 0x800 : 0,
    method: entry.deflate === true ? 8 : 0,
    crc: crc32(content),
    compressedSize: data.length,
    size: content.length,
    attributes: ((entry.mode ?? 0) << 16) >>> 0,
    offset,
    name: Buffer.from(entry.name),
    extra: Buffer.alloc(0),
    ...entry.both,
  }
  return { fields, data }
}

/** Noon on 2 March 2026. */
const dosTime = [0x6000, 0x5c62]

function localHeader(fields: ZipFields): Buffer {
  const header = Buffer.alloc(30)
  header.writeUInt32LE(0x04034b50, 0)
  writeCommon(header, 4, fields)
  return Buffer.concat([header, fields.name, fields.extra])
}

function centralHeader(fields: ZipFields): Buffer {
  const header = Buffer.alloc(46)
  header.writeUInt32LE(0x02014b50, 0)
  header.writeUInt16LE(fields.versionMadeBy, 4)
  writeCommon(header, 6, fields)
  header.writeUInt32LE(fields.attributes, 38)
  header.writeUInt32LE(fields.offset, 42)
  return Buffer.concat([header, fields.name, fields.extra])
}

/** What local and central headers have in the same order. */
function writeCommon(header: Buffer, at: number, fields: ZipFields): void {
  header.writeUInt16LE(20, at)
  header.writeUInt16LE(fields.flags, at + 2)
  header.writeUInt16LE(fields.method, at + 4)
  header.writeUInt16LE(dosTime[0]!, at + 6)
  header.writeUInt16LE(dosTime[1]!, at + 8)
  header.writeUInt32LE(fields.crc, at + 10)
  header.writeUInt32LE(fields.compressedSize, at + 14)
  header.writeUInt32LE(fields.size, at + 18)
  header.writeUInt16LE(fields.name.length, at + 22)
  header.writeUInt16LE(fields.extra.length, at + 24)
}

function endOf(frame: ZipFrame, count: number, size: number, offset: number): Buffer {
  const entries = frame.entries ?? count
  const directory = frame.directoryOffset ?? offset
  const comment = Buffer.from(frame.comment ?? '')
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(frame.zip64 === true ? 0xffff : entries, 8)
  end.writeUInt16LE(frame.zip64 === true ? 0xffff : entries, 10)
  end.writeUInt32LE(frame.zip64 === true ? 0xffffffff : size, 12)
  end.writeUInt32LE(frame.zip64 === true ? 0xffffffff : directory, 16)
  end.writeUInt16LE(comment.length, 20)
  if (frame.zip64 !== true) return Buffer.concat([end, comment])

  const record = Buffer.alloc(56)
  record.writeUInt32LE(0x06064b50, 0)
  record.writeBigUInt64LE(44n, 4)
  record.writeBigUInt64LE(BigInt(entries), 24)
  record.writeBigUInt64LE(BigInt(entries), 32)
  record.writeBigUInt64LE(BigInt(size), 40)
  record.writeBigUInt64LE(BigInt(directory), 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(BigInt(offset + size), 8)
  locator.writeUInt32LE(1, 16)
  return Buffer.concat([record, locator, end, comment])
}
