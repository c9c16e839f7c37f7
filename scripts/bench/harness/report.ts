import type { AnyBenchmark } from './benchmark.ts'
import type { Verdict } from './floors.ts'
import { demand } from './floors.ts'
import type { Results } from './rounds.ts'
import { spread, type Spread } from './statistics.ts'
import { figure, table } from './table.ts'

/** What the rounds of a benchmark come to. */
export interface Report {
  name: string
  rounds: number
  rows: Row[]
  /** Each taken within a round, then over the rounds. */
  ratios: Record<string, Spread>
}

/** One system: its measures, or why there are none. */
export interface Row {
  system: string
  absent?: string
  measures: Record<string, Spread>
}

/** Medians and spreads of what was measured. */
export function report(benchmark: AnyBenchmark, { rounds, absent }: Results): Report {
  const rows = benchmark.systems.map(({ name: system }): Row => {
    const why = absent.get(system)
    if (why !== undefined) return { system, absent: why, measures: {} }
    const measures = benchmark.columns.map(({ measure }) => [
      measure,
      spread(rounds.map((round) => round.get(system)?.[measure] ?? NaN)),
    ])
    return { system, measures: Object.fromEntries(measures) as Row['measures'] }
  })
  const ratios = rounds.map((round) =>
    benchmark.ratios((system, measure) => round.get(system)?.[measure] ?? NaN),
  )
  const names = Object.keys(ratios[0] ?? {})
  return {
    name: benchmark.name,
    rounds: rounds.length,
    rows,
    ratios: Object.fromEntries(names.map((name) => [name, spread(ratios.map((ratio) => ratio[name]!))])),
  }
}

/** The report as one line of JSON: medians, and [least, most] under `spread`; null is what was not measured. */
export function reportJson({ name, rounds, rows, ratios }: Report): string {
  return JSON.stringify({
    name,
    rounds,
    rows: rows.map(({ system, absent, measures }) =>
      absent === undefined
        ? { system, ...mapValues(measures, medianOf), spread: mapValues(measures, rangeOf) }
        : { system, absent },
    ),
    ratios: mapValues(ratios, medianOf),
  })
}

/** The report as a table: median (least..most) of each measure. */
export function reportTable({ columns }: AnyBenchmark, { rows }: Report): string[] {
  const header = columns.map(({ measure, unit }) => (unit === '' ? measure : `${measure}, ${unit}`))
  const lines = rows.map(({ system, absent, measures }) => [
    system,
    ...columns.map(({ measure, digits = 0 }) => cell(measures[measure], digits)),
    ...(absent === undefined ? [] : [`absent: ${absent}`]),
  ])
  return table([['system', ...header], ...lines])
}

/** Every ratio beside its floor. */
export function verdictTable(verdicts: readonly Verdict[]): string[] {
  const lines = verdicts.map(({ ratio, value, floor, state }) => [
    ratio,
    figure(value, 2),
    demand(floor),
    state,
  ])
  return table([['ratio', 'value', 'floor', ''], ...lines])
}

function cell(values: Spread | undefined, digits: number): string {
  if (values === undefined || Number.isNaN(values.median)) return '-'
  const [median, min, max] = [values.median, values.min, values.max].map((value) => figure(value, digits))
  return `${median} (${min}..${max})`
}

function mapValues<T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}

function medianOf({ median }: Spread): number {
  return rounded(median)
}

function rangeOf({ min, max }: Spread): [number, number] {
  return [rounded(min), rounded(max)]
}

function rounded(value: number): number {
  return Number(value.toPrecision(6))
}
