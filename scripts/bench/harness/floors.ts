import type { AnyBenchmark, Floor } from './benchmark.ts'
import type { Report } from './report.ts'
import type { Spread } from './statistics.ts'

/** How a ratio compares with its floor; one without a floor is there to be read. */
export interface Verdict {
  ratio: string
  value: number
  floor: Floor | undefined
  state: 'held' | 'missed' | 'not measured' | 'no floor'
}

/** Every ratio of a report beside its floor, and every floor whose ratio was not measured. */
export function verdicts({ floors }: AnyBenchmark, { ratios }: Report): Verdict[] {
  const names = new Set([...Object.keys(ratios), ...Object.keys(floors)])
  return Array.from(names, (ratio) => verdict(ratio, ratios[ratio], floors[ratio]))
}

/** Whether every floor was reached; one that was not measured was not. */
export function allHeld(judged: readonly Verdict[]): boolean {
  return judged.every(({ floor, state }) => floor === undefined || state === 'held')
}

/** What a floor demands, to read. */
export function demand(floor: Floor | undefined): string {
  if (floor === undefined) return '-'
  const bound = 'atLeast' in floor ? `>= ${floor.atLeast}` : `<= ${floor.atMost}`
  return floor.in === 'every round' ? `${bound} in every round` : bound
}

function verdict(ratio: string, spread: Spread | undefined, floor: Floor | undefined): Verdict {
  const value = spread === undefined ? NaN : judgedValue(spread, floor)
  return { ratio, value, floor, state: judge(value, floor) }
}

function judgedValue({ median, min, max }: Spread, floor: Floor | undefined): number {
  if (floor?.in !== 'every round') return median
  return 'atLeast' in floor ? min : max
}

function judge(value: number, floor: Floor | undefined): Verdict['state'] {
  if (Number.isNaN(value)) return 'not measured'
  if (floor === undefined) return 'no floor'
  return ('atLeast' in floor ? value >= floor.atLeast : value <= floor.atMost) ? 'held' : 'missed'
}
