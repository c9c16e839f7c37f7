/** Which bytes of an archive each entry takes, header and data; 16 bytes of memory an entry. */
export class Ranges {
  #starts = new Float64Array(1024)
  #ends = new Float64Array(1024)
  #count = 0
  /** Where the first entry begins; 0 if there is none. */
  first = 0

  add(start: number, end: number): void {
    if (this.#count === this.#starts.length) {
      this.#starts = grown(this.#starts)
      this.#ends = grown(this.#ends)
    }
    this.#starts[this.#count] = start
    this.#ends[this.#count] = end
    this.first = this.#count === 0 ? start : Math.min(this.first, start)
    this.#count++
  }

  /**
   * The numbers of the entries that begin before another one's end, or reach beyond a limit, in the order of their places.
   * That is how a zip bomb has more data than bytes (David Fifield, "A better zip bomb", 2019).
   */
  *overlaps(limit: number): Generator<number> {
    const order = Uint32Array.from({ length: this.#count }, (_, index) => index)
    const starts = this.#starts
    order.sort((a, b) => starts[a]! - starts[b]! || a - b)
    let reached = 0
    for (const entry of order) {
      const end = this.#ends[entry]!
      if (starts[entry]! < reached || end > limit) yield entry
      reached = Math.max(reached, end)
    }
  }
}

function grown(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(values.length * 2)
  larger.set(values)
  return larger
}
