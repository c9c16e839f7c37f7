import { CellTypes } from './cell.ts'
import { DistinctEstimate } from './distinct.ts'
import { hash, hashText } from './hash.ts'
import { DateReadings, NumberReadings } from './readings.ts'
import type { CellReader } from './row.ts'
import { Tally, detached, type Tallied, type TallyLimits } from './tally.ts'

/** Different values of a column that are kept as examples where they are too many to count each. */
export const maxExamples = 5
/** Of the least and greatest text and of examples, characters that are kept. */
const maxKept = 1000

/**
 * Gathers the statistics of one column, cell by cell, in bounded memory.
 *
 * As long as the different values are few, each cell only adds one to the count of its value, and what the values are is
 * looked at once, at the end. When they become too many, what was counted goes into the statistics with its weight, and
 * from there on every cell is looked at when it comes.
 */
export class Column implements CellReader {
  nulls = 0
  /** Characters of the longest cell, without the spaces around it. */
  longest = 0
  booleans = 0
  strings = 0
  /** Of the strings, digits with zeros before them. */
  padded = 0
  readonly numbers: NumberReadings = new NumberReadings()
  readonly dates: DateReadings = new DateReadings()
  /** The least text by the numbers of its UTF-16 code units; null before the first cell. */
  least: string | null = null
  greatest: string | null = null
  readonly #examples: string[] = []
  #tally: Tally | null
  #estimate: DistinctEstimate | null = null
  readonly #types = new CellTypes()

  constructor(limits: TallyLimits) {
    this.#tally = new Tally(limits)
  }

  /** Takes a cell: a part of a text, the spaces around which do not count. */
  add(text: string, start: number, end: number): void {
    while (start < end && isSpace(text.charCodeAt(start))) start++
    while (start < end && isSpace(text.charCodeAt(end - 1))) end--
    if (start === end) {
      this.nulls++
      return
    }
    if (end - start > this.longest) this.longest = end - start
    hashText(text, start, end)
    if (this.#tally !== null) {
      if (this.#tally.add(text, start, end, hash.low)) return
      this.#startEstimate(this.#tally)
      hashText(text, start, end)
    }
    if (this.#read(text, start, end, 1)) this.#estimate!.add(hash.high, hash.low)
  }

  /** Ends the count of each value, if it has not ended; the statistics are complete then. */
  end(): ColumnValues {
    const tally = this.#tally
    if (tally === null) return { distinct: this.#estimate!.count, examples: this.#examples }
    this.#tally = null
    const values = tally.values.filter(({ value, count }) => this.#read(value, 0, value.length, count))
    return { distinct: values.length, values }
  }

  /** There are too many different values to count each. */
  #startEstimate({ values }: Tally): void {
    this.#tally = null
    this.#estimate = new DistinctEstimate()
    for (const { value, count } of values) {
      if (!this.#read(value, 0, value.length, count)) continue
      hashText(value, 0, value.length)
      this.#estimate.add(hash.high, hash.low)
      if (this.#examples.length < maxExamples) this.#examples.push(value.slice(0, maxKept))
    }
  }

  /** Adds a cell that came `weight` times to the statistics; false when it stands for nothing. */
  #read(text: string, start: number, end: number, weight: number): boolean {
    const type = this.#types.read(text, start, end)
    if (type === 'null') {
      this.nulls += weight
      return false
    }
    if (type === 'number') {
      this.numbers.add(this.#types.number, weight)
    } else if (type === 'string' || type === 'padded') {
      this.strings += weight
      if (type === 'padded') this.padded += weight
    } else if (type === 'date') {
      this.dates.add(this.#types.date, weight)
    } else {
      this.booleans += weight
    }
    if (this.least === null || isLess(text, start, end, this.least)) this.least = kept(text, start, end)
    if (this.greatest === null || isGreater(text, start, end, this.greatest)) {
      this.greatest = kept(text, start, end)
    }
    return true
  }
}

/** How many different values a column has, and which. */
export interface ColumnValues {
  /** Exact where there are `values`. */
  distinct: number
  /** Every one of them, unless they are too many, in the order in which they came first. */
  values?: readonly Tallied[]
  /** Some of them, where they are too many. */
  examples?: readonly string[]
}

/** Spaces, tabs, what else ASCII has for white space, and the space that does not break. */
function isSpace(code: number): boolean {
  return code <= 32 ? code === 32 || (code >= 9 && code <= 13) : code === 0xa0
}

function kept(text: string, start: number, end: number): string {
  return detached(text, start, Math.min(end, start + maxKept))
}

function isLess(text: string, start: number, end: number, than: string): boolean {
  return compare(text, start, end, than) < 0
}

function isGreater(text: string, start: number, end: number, than: string): boolean {
  return compare(text, start, end, than) > 0
}

/** By their first thousand characters: no more is kept. */
function compare(text: string, start: number, end: number, other: string): number {
  const length = Math.min(end - start, maxKept)
  const common = Math.min(length, other.length)
  for (let position = 0; position < common; position++) {
    const difference = text.charCodeAt(start + position) - other.charCodeAt(position)
    if (difference !== 0) return difference
  }
  return length - other.length
}
