import { maxExamples, type Column } from './column.ts'
import { distinctError } from './distinct.ts'
import { legible } from './header.ts'
import type { DateFindings, NumberFindings } from './readings.ts'
import type { Tallied, TallyLimits } from './tally.ts'

/** What is kept of the values of a column. */
interface Kept {
  /** Characters of each. */
  characters: number
  /** The most frequent ones that are named. */
  top: number
}

const full: Kept = { characters: 100, top: 10 }
const reduced: Kept = { characters: 40, top: 3 }

/** The share of numbers, or dates, or booleans, from which other cells in a column are exceptions. */
const mostly = 0.9
/** The share of numbers with zeros before them from which all numbers of a column are codes, such as postal codes. */
const codes = 0.01

/** What the cells of a column are; `mixed`: at least 90% numbers, dates or booleans, and some that are not. */
export type ColumnType = 'integer' | 'number' | 'boolean' | 'date' | 'datetime' | 'string' | 'mixed' | 'empty'

/** What is known of one column; null cells count for nothing but `nulls`. */
export interface ColumnProfile {
  /** Unlike all others of the table; of `header` if there is one. */
  name: string
  type: ColumnType
  /** Of a mixed column: what most of its cells are, and what min, max, mean and deviation speak of. */
  mostly?: Exclude<ColumnType, 'mixed' | 'string' | 'empty'>
  /** How many cells are of each type; types without any are left out. */
  types: Partial<Record<Exclude<ColumnType, 'mixed' | 'empty'>, number>>
  nulls: number
  /** Different values, by how they are written. */
  distinct: number
  /** The relative standard error of `distinct`, where it is an estimate. */
  distinctError?: number
  /** The least number, date (`2024-01-31`, or with a time `2024-01-31T13:45:00.000`, and `Z` for UTC) or text. */
  min?: number | string
  max?: number | string
  /** Of numbers. */
  mean?: number
  /** Of numbers: the standard deviation, as of a sample. */
  deviation?: number
  /** Of numbers, where a cell tells: what stands before the decimals. */
  decimal?: '.' | ','
  /** Of numbers, if all have the same: `%` or a sign of money. */
  unit?: string
  /** Of dates: none of them tells whether the day or the month comes first, so that they have no order. */
  ambiguous?: true
  /** Characters (UTF-16 code units) of the longest cell. */
  longest: number
  /**
   * The most frequent values first, at most 10 (3 in a table of more than 100 columns), where all could be counted; of
   * equally frequent ones the earlier first. Values are cut to 100 (40) characters, as least and greatest ones are.
   */
  top?: { value: string; count: number }[]
  /** The first five different values, where they are too many to count each, or too many to name and none comes twice. */
  examples?: string[]
}

/**
 * How much may be counted value by value: up to 1,000 values of 64 Ki characters in a column, and in a table with many
 * columns some 200,000 of 8 Mi characters in all of them.
 */
export function tallyLimits(columns: number): TallyLimits {
  return {
    values: Math.min(1000, Math.max(64, Math.floor(200_000 / columns))),
    characters: Math.min(64 * 1024, Math.floor((8 * 1024 * 1024) / columns)),
  }
}

/**
 * Ends a column and says what is in it.
 * @param options.prefersComma see NumberReadings
 * @param options.isWide there are so many columns that less is kept of each
 */
export function profileColumn(
  name: string,
  column: Column,
  { prefersComma, isWide }: { prefersComma: boolean; isWide: boolean },
): ColumnProfile {
  const kept = isWide ? reduced : full
  const { distinct, values, examples } = column.end()
  const numbers = column.numbers.findings(prefersComma)
  const dates = column.dates.findings()
  const types = countTypes(column, numbers, dates, values)
  const areCodes = column.padded > codes * (column.padded + types.integer)
  const [type, majority] = areCodes ? (['string'] as const) : typeOf(types)
  const subject = majority ?? type
  return {
    name,
    type,
    ...(majority !== undefined && { mostly: majority }),
    types: Object.fromEntries(Object.entries(types).filter(([, count]) => count > 0)),
    nulls: column.nulls,
    distinct,
    ...(values === undefined && { distinctError: Math.round(distinctError * 1e4) / 1e4 }),
    ...(subject === 'integer' || subject === 'number'
      ? describeNumbers(column, numbers)
      : subject === 'date' || subject === 'datetime'
        ? describeDates(dates)
        : describeText(column, kept)),
    longest: column.longest,
    ...tell(values, examples, kept),
  }
}

/** The values of a column: which are frequent where some are, otherwise what they look like. */
function tell(
  values: readonly Tallied[] | undefined,
  examples: readonly string[] | undefined,
  kept: Kept,
): Pick<ColumnProfile, 'top' | 'examples'> {
  if (values?.length === 0) return {}
  if (values !== undefined && (values.length <= kept.top || values.some(({ count }) => count > 1))) {
    return { top: topOf(values, kept) }
  }
  const shown = examples ?? values!.slice(0, maxExamples).map(({ value }) => value)
  return { examples: shown.map((value) => legible(value, kept.characters)) }
}

type Counts = Record<Exclude<ColumnType, 'mixed' | 'empty'>, number>

function countTypes(
  column: Column,
  numbers: NumberFindings,
  dates: DateFindings,
  values: readonly Tallied[] | undefined,
): Counts {
  const counts: Counts = {
    integer: numbers.whole,
    number: numbers.moments.count - numbers.whole,
    boolean: column.booleans,
    date: dates.count - Math.min(dates.timed, dates.count),
    datetime: Math.min(dates.timed, dates.count),
    string: column.strings + numbers.others + dates.others,
  }
  // One letter means true or false only where there is no third.
  if (
    values !== undefined &&
    counts.string > 0 &&
    isLetters(values.map(({ value }) => value.toLowerCase()))
  ) {
    return { ...counts, boolean: counts.string, string: 0 }
  }
  return counts
}

function isLetters(values: readonly string[]): boolean {
  const letters = values.toSorted().join('')
  return ['ft', 'ny'].includes([...new Set(letters)].join('')) && values.every(({ length }) => length === 1)
}

function typeOf(counts: Counts): [ColumnType, ColumnProfile['mostly']] {
  const numbers = counts.integer + counts.number
  const dates = counts.date + counts.datetime
  const all = numbers + dates + counts.boolean + counts.string
  if (all === 0) return ['empty', undefined]
  const numberType = counts.number === 0 ? 'integer' : 'number'
  const dateType = counts.datetime === 0 ? 'date' : 'datetime'
  const groups = [
    [numbers, numberType],
    [dates, dateType],
    [counts.boolean, 'boolean'],
  ] as const
  for (const [count, type] of groups) {
    if (count === all) return [type, undefined]
    if (count / all >= mostly) return ['mixed', type]
  }
  return ['string', undefined]
}

function describeNumbers({ numbers }: Column, { moments, decimal }: NumberFindings): Partial<ColumnProfile> {
  const { unit } = numbers
  const { min, max, mean, deviation } = moments
  return {
    min,
    max,
    // The largest doubles have no sum.
    ...(Number.isFinite(mean) && { mean }),
    ...(Number.isFinite(deviation) && { deviation }),
    ...(decimal !== undefined && { decimal }),
    ...(unit !== undefined && { unit }),
  }
}

function describeDates({ min, max, timed, zoned, ambiguous }: DateFindings): Partial<ColumnProfile> {
  if (ambiguous) return { ambiguous: true }
  const written = (value: number) => {
    const iso = new Date(value).toISOString()
    return timed === 0 ? iso.slice(0, 10) : zoned ? iso : iso.slice(0, -1)
  }
  return { min: written(min), max: written(max) }
}

function describeText({ least, greatest }: Column, { characters }: Kept): Partial<ColumnProfile> {
  if (least === null || greatest === null) return {}
  return { min: legible(least, characters), max: legible(greatest, characters) }
}

function topOf(values: readonly Tallied[], { characters, top }: Kept): Tallied[] {
  return values
    .toSorted((a, b) => b.count - a.count)
    .slice(0, top)
    .map(({ value, count }) => ({ value: legible(value, characters), count }))
}
