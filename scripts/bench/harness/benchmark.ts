import type { Load } from './load.ts'
import type { RunningSystem } from './system.ts'

/** One of the things that a benchmark compares; it runs in a process of its own. */
export interface System {
  name: string
  /** URL of the module that starts it: `import.meta.resolve('./loop/plain.ts')`, say. */
  module: string
  /** Flags of Node.js for its process. */
  flags?: readonly string[]
  /** What its environment has besides ours. */
  env?: Readonly<Record<string, string>>
}

/** A number that every trial yields, shown as a column. */
export interface Column<Measure extends string> {
  measure: Measure
  /** 'ms', '/s', 'MB'; empty for a count. */
  unit: string
  /** Digits after the point. Default 0. */
  digits?: number
}

/** What a ratio must reach: in the median of the rounds, or in each of them. */
export type Floor = ({ atLeast: number } | { atMost: number }) & { in?: 'median' | 'every round' }

/** One system in one round. */
export interface Trial<Size> {
  system: System
  size: Size
  /** The load generator, a process apart that is kept over all rounds: it is then as warm for one system as for another. */
  load: Load
  /** An empty folder that is removed after the trial. */
  folder: string
  /** What prepare() filled; it is there for all rounds, so leave it as it is. */
  prepared: string
  /**
   * Starts the system in a new process, which is stopped after the trial: no trial then inherits heap, queue or
   * optimised code from another, and no idle competitor shares the cores with the one measured. `options` go to the
   * module's start(). Throws Absent where the system is not installed.
   */
  start: (options?: object) => Promise<RunningSystem>
  /** Starts a process that helps, such as what the system talks to; it is stopped after the trial. */
  help: Help
}

/** Starts a process that is no system of the comparison; `options` go to its module's start(). */
export type Help = (system: Omit<System, 'name'>, options?: object) => Promise<RunningSystem>

/** What is made once, before the first round. */
export interface Preparation<Size> {
  size: Size
  /** An empty folder that is removed after the last round. */
  folder: string
  /** Starts a process that helps, which is stopped afterwards. */
  start: Help
}

/** A benchmark: what is compared, how one trial is measured, and what must hold between the systems. */
export interface Benchmark<Size, Measure extends string> {
  name: string
  /** One sentence. */
  description: string
  systems: readonly System[]
  columns: readonly Column<Measure>[]
  /** What a trial gets by default, and with --quick. */
  sizes: { full: Size; quick: Size }
  /** Whether it measures what is on disk when it is acknowledged, and so means nothing on files in memory. */
  durable?: boolean
  /** Makes what all trials use but would take too long for each. */
  prepare?(preparation: Preparation<Size>): Promise<void>
  /** Warms up, measures, and returns NaN for what this system does not have. */
  measure(trial: Trial<Size>): Promise<Record<Measure, number>>
  /**
   * Ratios and differences within one round, by a name that tells the unit of a difference. `of` is NaN where a
   * system is absent, and a ratio that is NaN counts as not measured.
   */
  ratios(of: (system: string, measure: Measure) => number): Record<string, number>
  /** Floors by the name of the ratio. */
  floors: Record<string, Floor>
}

/** Any benchmark, for lists of them. */
export type AnyBenchmark = Benchmark<any, string>
