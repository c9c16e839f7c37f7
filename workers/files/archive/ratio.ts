/** Bytes from which on a high ratio is a bomb: below, whoever unpacks it has room for it. */
const bombSize = 100_000_000
/** What deflate reaches with repetitive logs and tables is below this; with nothing but zeros it is 1,030. */
const bombRatio = 200
/** Bytes from which on less is enough. */
const hugeSize = 10_000_000_000
const hugeRatio = 20

/** Unpacked to packed size with two decimals; nothing where nothing is packed. */
export function ratioOf(size: number, compressedSize: number): { ratio?: number } {
  return compressedSize > 0 ? { ratio: Math.round((100 * size) / compressedSize) / 100 } : {}
}

/**
 * Says how large something is when unpacked if it is a bomb: more than 100 MB by a ratio of more than 200, or more than 10 GB
 * by more than 20; undefined otherwise.
 */
export function bombOf(size: number, compressedSize: number): string | undefined {
  const ratio = size / Math.max(1, compressedSize)
  const isBomb = (size > bombSize && ratio > bombRatio) || (size > hugeSize && ratio > hugeRatio)
  return isBomb ? `${size} bytes, ${Math.floor(ratio)} times as large` : undefined
}
