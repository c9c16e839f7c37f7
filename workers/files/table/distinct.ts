/** 2^14 registers of a byte: 16 kB a column. */
const precision = 14
const registers = 2 ** precision

/** How many bits of the second hash are looked at. */
const bits = 32

/** The relative standard error of an estimate; two of three lie within it, all but one of 300 within three times of it. */
export const distinctError: number = 1.04 / Math.sqrt(registers)

/**
 * An estimate of how many different values there were, in 16 kB whatever their number: HyperLogLog by Flajolet, Fusy,
 * Gandouet and Meunier (2007), with Otmar Ertl's estimator ("New cardinality estimation algorithms for HyperLogLog
 * sketches", 2017), which needs no table of corrections and is good for few values, too.
 */
export class DistinctEstimate {
  readonly #ranks = new Uint8Array(registers)

  /** @param high 32 bits that choose the register, @param low 32 bits whose leading zeros count: both of a good hash */
  add(high: number, low: number): void {
    const index = high >>> (32 - precision)
    const rank = Math.clz32(low) + 1
    if (rank > this.#ranks[index]!) this.#ranks[index] = rank
  }

  /** A whole number. */
  get count(): number {
    const counts = Array.from({ length: bits + 2 }, () => 0)
    for (const rank of this.#ranks) counts[rank]!++
    let sum = registers * tau(1 - counts[bits + 1]! / registers)
    for (let rank = bits; rank >= 1; rank--) sum = 0.5 * (sum + counts[rank]!)
    sum += registers * sigma(counts[0]! / registers)
    return Math.round(registers ** 2 / (2 * Math.LN2) / sum)
  }
}

/** Ertl's algorithm 5. */
function sigma(share: number): number {
  if (share === 1) return Number.POSITIVE_INFINITY
  let power = share
  let factor = 1
  let sum = share
  for (;;) {
    power *= power
    const before = sum
    sum += power * factor
    factor += factor
    if (sum === before) return sum
  }
}

/** Ertl's algorithm 6. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0
  let root = share
  let factor = 1
  let sum = 1 - share
  for (;;) {
    root = Math.sqrt(root)
    const before = sum
    factor *= 0.5
    sum -= (1 - root) ** 2 * factor
    if (sum === before) return sum / 3
  }
}
