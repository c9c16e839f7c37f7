import { crc32, deflateRawSync } from 'node:zlib'

/** One entry, written as it is given, however wrong. */
export interface ZipEntry {
  name: string
  content: Buffer | string
  /** 8 to deflate, the default; 0 to store. */
  method?: 0 | 8
  /** Says that it is encrypted, which it is not. */
  encrypted?: boolean
  /** Unix mode; makes the entry one of Unix. */
  mode?: number
}

/** 1 June 2024, 18:30:14, as MS-DOS writes it. */
const [time, date] = [(18 << 11) | (30 << 5) | 7, ((2024 - 1980) << 9) | (6 << 5) | 1]

/** A ZIP file (APPNOTE.TXT 6.3.10) of entries with names in UTF-8. */
export function zip(entries: readonly ZipEntry[], comment = ''): Buffer {
  const locals: Buffer[] = []
  const centrals: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const content = Buffer.from(entry.content)
    const method = entry.method ?? 8
    const data = method === 8 ? deflateRawSync(content, { level: 9 }) : content
    const name = Buffer.from(entry.name)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(0x0800 | (entry.encrypted === true ? 1 : 0), 2)
    common.writeUInt16LE(method, 4)
    common.writeUInt16LE(time, 6)
    common.writeUInt16LE(date, 8)
    common.writeUInt32LE(crc32(content), 10)
    common.writeUInt32LE(data.length, 14)
    common.writeUInt32LE(content.length, 18)
    common.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name, data])
    centrals.push(central(entry, common, offset), name)
    locals.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(centrals)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  end.writeUInt16LE(Buffer.byteLength(comment), 20)
  return Buffer.concat([...locals, directory, end, Buffer.from(comment)])
}

function central({ mode }: ZipEntry, common: Buffer, offset: number): Buffer {
  const header = Buffer.alloc(46)
  header.write('PK\x01\x02', 'latin1')
  header.writeUInt16LE(mode === undefined ? 20 : (3 << 8) | 20, 4)
  common.copy(header, 6)
  header.writeUInt32LE(mode === undefined ? 0 : mode * 0x1_0000, 38)
  header.writeUInt32LE(offset, 42)
  return header
}
