/** The middle of several rounds and how far they lie apart. */
export interface Spread {
  median: number
  min: number
  max: number
}

/** The median, of the two middle values their mean; NaN of none. */
export function median(values: Iterable<number>): number {
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle]!
  return (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The smallest of the sorted values that `share` (0 to 1) of them do not exceed; NaN of none. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)] ?? NaN
}

/** Median, least and most of the values that are numbers; all NaN when none is. */
export function spread(values: readonly number[]): Spread {
  const known = values.filter((value) => !Number.isNaN(value))
  if (known.length === 0) return { median: NaN, min: NaN, max: NaN }
  return { median: median(known), min: Math.min(...known), max: Math.max(...known) }
}
