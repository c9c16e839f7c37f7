/** A value of a row; undefined for one that cannot be. */
export type Value = null | number | string | Buffer | undefined

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** An integer of one to nine bytes, and where the next thing is; undefined past the end, or past what is safe. */
export function varint(buffer: Buffer, at: number): { value: number; next: number } | undefined {
  let value = 0
  for (let index = 0; index < 8; index++) {
    const byte = buffer[at + index]
    if (byte === undefined) return undefined
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) return Number.isSafeInteger(value) ? { value, next: at + index + 1 } : undefined
  }
  // Nine bytes are negative or beyond what our files hold.
  return undefined
}

/** The values of a row, as SQLite stores them (https://sqlite.org/fileformat2.html, 2.1); undefined for no row. */
export function readRecord(payload: Buffer): Value[] | undefined {
  const header = varint(payload, 0)
  if (header === undefined || header.value > payload.length) return undefined
  const values: Value[] = []
  let body = header.value
  for (let at = header.next; at < header.value;) {
    const type = varint(payload, at)
    if (type === undefined || type.next > header.value) return undefined
    const size = sizeOf(type.value)
    if (body + size > payload.length) return undefined
    values.push(readValue(payload, body, type.value, size))
    at = type.next
    body += size
  }
  // What is left over belongs to nothing.
  return body === payload.length ? values : undefined
}

const sizes = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0]

function sizeOf(type: number): number {
  return type >= 12 ? (type - 12) >>> 1 : (sizes[type] ?? 0)
}

function readValue(payload: Buffer, at: number, type: number, size: number): Value {
  switch (type) {
    case 0:
      return null
    case 7:
      return payload.readDoubleBE(at)
    case 8:
    case 9:
      return type - 8
    case 10:
    case 11:
      return undefined
  }
  if (type < 7) {
    const number = size === 8 ? Number(payload.readBigInt64BE(at)) : payload.readIntBE(at, size)
    return Number.isSafeInteger(number) ? number : undefined
  }
  if (type % 2 === 0) return Buffer.from(payload.subarray(at, at + size))
  try {
    return utf8.decode(payload.subarray(at, at + size))
  } catch {
    return undefined
  }
}
