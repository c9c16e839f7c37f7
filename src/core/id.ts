import { randomFillSync } from 'node:crypto'

const bytesPerId = 10
const pool = Buffer.alloc(bytesPerId * 512)
let used = pool.length
let lastTime = 0
let sequence = 0

/**
 * A UUIDv7 (RFC 9562, 5.7): later ids of one process sort after earlier ones, also within a millisecond
 * (method 1: `rand_a` is a counter; when it overflows, the timestamp runs ahead of the clock).
 */
export function newId(now: number = Date.now()): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const random = pool.toString('hex', used, used + 8)
  if (now > lastTime) {
    lastTime = now
    sequence = pool.readUInt16LE(used + 8) & 0x3ff
  } else if (++sequence > 0xfff) {
    lastTime++
    sequence = 0
  }
  used += bytesPerId
  const time = lastTime.toString(16).padStart(12, '0')
  const counter = sequence.toString(16).padStart(3, '0')
  const variant = '89ab'[random.charCodeAt(0) & 3]!
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter}-${variant}${random.slice(1, 4)}-${random.slice(4)}`
}

/** Whether a string has the form of an id of ours. */
export function isId(text: unknown): text is string {
  return (
    typeof text === 'string' &&
    /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text)
  )
}
