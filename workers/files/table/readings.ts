import type { DateReading } from './date.ts'
import { Moments } from './moments.ts'
import type { NumberReading } from './number.ts'

/** A column's numbers by one reading of the point and the comma. */
interface Numbers {
  moments: Moments
  whole: number
}

/** What the numbers of a column come to. */
export interface NumberFindings extends Numbers {
  /** Which of the two the decimals follow; absent where no cell tells. */
  decimal?: '.' | ','
  /** Cells that are numbers by the other reading only. */
  others: number
}

/**
 * The numbers of a column, by both readings until its end: the one that makes more of the cells numbers is right. Where they
 * make the same, a comma stands before decimals if semicolons stand between cells, for that is why they do.
 */
export class NumberReadings {
  /** Cells that read the same either way. */
  readonly #both: Numbers = { moments: new Moments(), whole: 0 }
  readonly #point: Numbers = { moments: new Moments(), whole: 0 }
  readonly #comma: Numbers = { moments: new Moments(), whole: 0 }
  readonly #units = new Map<string, number>()
  #cells = 0

  add(reading: NumberReading, weight: number): void {
    const { point, comma } = reading
    this.#cells += weight
    if (point === comma) count(this.#both, point, reading.pointWhole, weight)
    else {
      if (point === point) count(this.#point, point, reading.pointWhole, weight)
      if (comma === comma) count(this.#comma, comma, reading.commaWhole, weight)
    }
    if (reading.unit !== '') {
      this.#units.set(reading.unit, (this.#units.get(reading.unit) ?? 0) + weight)
    }
  }

  findings(prefersComma: boolean): NumberFindings {
    const [points, commas] = [this.#point.moments.count, this.#comma.moments.count]
    const isComma = commas === points ? prefersComma : commas > points
    const chosen = isComma ? this.#comma : this.#point
    const moments = new Moments()
    moments.merge(this.#both.moments)
    moments.merge(chosen.moments)
    return {
      moments,
      whole: this.#both.whole + chosen.whole,
      others: this.#cells - moments.count,
      ...(points + commas > 0 && { decimal: isComma ? ',' : '.' }),
    }
  }

  /** The unit of all numbers, if they have the same one. */
  get unit(): string | undefined {
    const [first] = this.#units
    return this.#units.size === 1 && first![1] === this.#cells ? first![0] : undefined
  }
}

function count(numbers: Numbers, value: number, isWhole: boolean, weight: number): void {
  numbers.moments.add(value, weight)
  if (isWhole) numbers.whole += weight
}

/** A column's dates by one order of day and month. */
interface Dates {
  count: number
  min: number
  max: number
}

/** What the dates of a column come to. */
export interface DateFindings extends Dates {
  /** How many of them have a time of day. */
  timed: number
  /** All that have a time have a zone, and their values are in UTC. */
  zoned: boolean
  /** Every cell is a date by both orders, and they are different dates: min and max mean nothing. */
  ambiguous: boolean
  /** Cells that are dates by the other order only. */
  others: number
}

/** The dates of a column, with the day first and with the month first: the one that makes more of the cells dates is right. */
export class DateReadings {
  readonly #dayFirst: Dates = { count: 0, min: Infinity, max: -Infinity }
  readonly #monthFirst: Dates = { count: 0, min: Infinity, max: -Infinity }
  #cells = 0
  #differing = 0
  #timed = 0
  #zoned = 0

  add(reading: DateReading, weight: number): void {
    this.#cells += weight
    if (reading.dayFirst !== reading.monthFirst) this.#differing += weight
    if (reading.hasTime) this.#timed += weight
    if (reading.hasZone) this.#zoned += weight
    extend(this.#dayFirst, reading.dayFirst, weight)
    extend(this.#monthFirst, reading.monthFirst, weight)
  }

  findings(): DateFindings {
    const isMonthFirst = this.#monthFirst.count > this.#dayFirst.count
    const chosen = isMonthFirst ? this.#monthFirst : this.#dayFirst
    return {
      ...chosen,
      timed: this.#timed,
      zoned: this.#timed > 0 && this.#zoned === this.#timed,
      ambiguous: this.#differing > 0 && this.#dayFirst.count === this.#monthFirst.count,
      others: this.#cells - chosen.count,
    }
  }
}

function extend(dates: Dates, value: number, weight: number): void {
  if (Number.isNaN(value)) return
  dates.count += weight
  if (value < dates.min) dates.min = value
  if (value > dates.max) dates.max = value
}
