import { niceStep, tidy } from './ticks.ts'

const maxBins = 20
/** Values looked at before deciding whether a few of them lie far off. */
const sample = 10_000
/** What may lie outside of the bins: more than this share are not a few. */
const maxOutside = 0.03

/** How often values fell between edges; the last bin holds its upper edge, too. */
export interface Bins {
  /** Ascending, round, one more than there are counts. */
  edges: number[]
  counts: number[]
  /** Values below the first edge and above the last. */
  below: number
  above: number
}

/**
 * Counts values in at most 20 bins with round edges. Where a few lie so far off that all others would share a bin or
 * two, those few are counted apart. Holds at most 10,000 values, whatever it is given.
 */
export class Histogram {
  readonly #whole: boolean
  readonly #all: BinCounter
  #first: number[] | undefined = []
  #core: BinCounter | undefined

  /** @param whole the values are whole numbers; `min` and `max` are finite and different. */
  constructor(min: number, max: number, whole: boolean) {
    this.#whole = whole
    this.#all = new BinCounter(min, max, whole)
  }

  add(value: number): void {
    this.#all.add(value)
    this.#core?.add(value)
    if (this.#first === undefined) return
    this.#first.push(value)
    if (this.#first.length === sample) this.#decide()
  }

  bins(): Bins {
    this.#decide()
    if (this.#core === undefined) return this.#all
    const { below, above, total } = this.#core
    return below + above <= maxOutside * total ? this.#core : this.#all
  }

  /** Bins for what is left without the outermost hundredths of the first values, if that is much narrower. */
  #decide(): void {
    if (this.#first === undefined) return
    const values = Float64Array.from(this.#first).sort()
    this.#first = undefined
    const at = (part: number) => values[Math.round(part * (values.length - 1))]!
    const [low, high] = [at(0.01), at(0.99)]
    if (values.length < 50 || low === high || high - low > this.#all.width / 5) return
    this.#core = new BinCounter(low, high, this.#whole)
    for (const value of values) this.#core.add(value)
  }
}

class BinCounter implements Bins {
  readonly edges: number[]
  readonly counts: number[]
  below = 0
  above = 0
  total = 0
  readonly #first: number
  readonly #step: number

  constructor(min: number, max: number, whole: boolean) {
    const binsOf = (one: number) => Math.max(1, Math.ceil(max / one) - Math.floor(min / one))
    let [step, wanted] = [0, maxBins]
    // Rounding the edges outwards may need a bin more at each end.
    do step = niceStep(max - min, wanted--, whole)
    while (binsOf(step) > maxBins)
    this.#step = step
    this.#first = Math.floor(min / step)
    const bins = binsOf(step)
    this.edges = Array.from({ length: bins + 1 }, (_, index) => tidy((this.#first + index) * step, step))
    this.counts = Array.from({ length: bins }, () => 0)
  }

  get width(): number {
    return this.edges.at(-1)! - this.edges[0]!
  }

  add(value: number): void {
    this.total++
    if (value < this.edges[0]!) this.below++
    else if (value > this.edges.at(-1)!) this.above++
    else {
      const bin = this.#binOf(value)
      this.counts[bin]!++
    }
  }

  /** Division rounds: a value at an edge may come out a bin too low or too high. */
  #binOf(value: number): number {
    const last = this.counts.length - 1
    let bin = Math.min(last, Math.max(0, Math.floor(value / this.#step) - this.#first))
    if (bin < last && value >= this.edges[bin + 1]!) bin++
    else if (bin > 0 && value < this.edges[bin]!) bin--
    return bin
  }
}
