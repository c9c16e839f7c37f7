/** Two hashes of 32 bits that have little to do with each other; hashText() sets them, for a pair cannot be returned cheaply. */
export const hash = { high: 0, low: 0 }

/**
 * Hashes a part of a text: cyrb53 by bryc (public domain), with all 64 bits of its two halves. The halves are computed side
 * by side, at the price of one.
 */
export function hashText(text: string, start: number, end: number): void {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let position = start; position < end; position++) {
    const code = text.charCodeAt(position)
    high = Math.imul(high ^ code, 2654435761)
    low = Math.imul(low ^ code, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  hash.high = high | 0
  hash.low = low | 0
}
