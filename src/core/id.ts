import { randomFillSync } from 'node:crypto'

const bytesPerId = 10
const pool = Buffer.alloc(bytesPerId * 512)
const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
let used = pool.length
let lastTime = 0
let sequence = 0
/** The first 15 characters, which ids of one millisecond share. */
let beginning = ''

/**
 * A UUIDv7 (RFC 9562, 5.7): later ids of one process sort after earlier ones, also within a millisecond
 * (method 1: `rand_a` is a counter; when it overflows, the timestamp runs ahead of the clock).
 */
export function newId(now: number = Date.now()): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const at = used
  used += bytesPerId
  if (now > lastTime) {
    setTime(now)
    sequence = pool.readUInt16LE(at + 8) & 0x3ff
  } else if (++sequence > 0xfff) {
    setTime(lastTime + 1)
    sequence = 0
  }
  const byte = (index: number): string => hex[pool[at + index]!]!
  const variant = hex[(pool[at]! & 0x3f) | 0x80]!
  const tail = byte(2) + byte(3) + byte(4) + byte(5) + byte(6) + byte(7)
  return `${beginning}${(sequence >> 8).toString(16)}${hex[sequence & 0xff]}-${variant}${byte(1)}-${tail}`
}

function setTime(time: number): void {
  lastTime = time
  const digits = time.toString(16).padStart(12, '0')
  beginning = `${digits.slice(0, 8)}-${digits.slice(8)}-7`
}

/** Whether a string has the form of an id of ours. */
export function isId(text: unknown): text is string {
  return (
    typeof text === 'string' &&
    /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text)
  )
}
