import { buffer } from 'node:stream/consumers'
import { pack, type Header } from 'tar-stream'

/** Packs a tar of sound entries. */
export async function tar(
  entries: readonly [header: Partial<Header> & { name: string }, data?: string | Buffer][],
): Promise<Buffer> {
  const packing = pack()
  for (const [header, data] of entries) {
    if (data === undefined) packing.entry({ ...header, size: 0 })
    else packing.entry({ ...header, size: Buffer.byteLength(data) }, data)
  }
  packing.finalize()
  return buffer(packing as unknown as AsyncIterable<Buffer>)
}

/** One header with a right checksum, and otherwise what is given. */
export function tarHeader(fields: {
  name: string
  type?: string
  size?: number
  /** As it is written, instead of the size. */
  sizeField?: string | Buffer
  magic?: string
}): Buffer {
  const header = Buffer.alloc(512)
  header.write(fields.name, 0, 100)
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  Buffer.from(fields.sizeField ?? `${(fields.size ?? 0).toString(8).padStart(11, '0')}\0`).copy(header, 124)
  header.write('00000000000\0', 136)
  header.write(fields.type ?? '0', 156)
  header.write(fields.magic ?? 'ustar\x0000', 257, 'latin1')
  return checked(header)
}

/** Writes the right checksum into a header. */
export function checked(header: Buffer): Buffer {
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}
