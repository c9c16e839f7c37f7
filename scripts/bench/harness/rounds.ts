import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { AnyBenchmark, System } from './benchmark.ts'
import { Load } from './load.ts'
import { Absent } from './system-module.ts'
import { startSystem, type RunningSystem } from './system.ts'

/** What one system yielded in one round, by measure. */
export type Measures = Record<string, number>

/** What all rounds yielded. */
export interface Results {
  /** By system, round for round. */
  rounds: ReadonlyMap<string, Measures>[]
  /** Systems that are not installed, and why. */
  absent: ReadonlyMap<string, string>
}

/** How often and how big, and who hears of each trial. */
export interface RoundsOptions {
  rounds: number
  size: unknown
  heard?: (round: number, system: string, measures: Measures) => void
}

/** The most a trial may take, in milliseconds. */
const trialLimit = 180_000

/** Measures every system once a round; each round begins with another system, so that none is always the first. */
export async function measureRounds(
  benchmark: AnyBenchmark,
  { rounds, size, heard }: RoundsOptions,
): Promise<Results> {
  const load = new Load()
  const absent = new Map<string, string>()
  const results: Map<string, Measures>[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      const measured = new Map<string, Measures>()
      for (const system of rotated(benchmark.systems, round)) {
        if (absent.has(system.name)) continue
        const measures = await runTrial(benchmark, system, load, size)
        if (measures instanceof Absent) {
          absent.set(system.name, measures.message)
          continue
        }
        measured.set(system.name, measures)
        heard?.(round, system.name, measures)
      }
      results.push(measured)
    }
  } finally {
    load.stop()
  }
  return { rounds: results, absent }
}

/** The list, begun `by` places further on. */
export function rotated<T>(list: readonly T[], by: number): T[] {
  const first = by % list.length
  return [...list.slice(first), ...list.slice(0, first)]
}

async function runTrial(
  benchmark: AnyBenchmark,
  system: System,
  load: Load,
  size: unknown,
): Promise<Measures | Absent> {
  const folder = await mkdtemp(join(tmpdir(), 'afterwork-bench-'))
  const started: RunningSystem[] = []
  const over = new AbortController()

  async function start(options?: object): Promise<RunningSystem> {
    const running = await startSystem(system, options)
    started.push(running)
    return running
  }
  async function tooLong(): Promise<never> {
    await wait(trialLimit, undefined, { signal: over.signal })
    throw new Error(`it took longer than ${trialLimit} ms`)
  }

  try {
    const measuring = benchmark.measure({ system, size, load, folder, start })
    return await Promise.race([measuring, tooLong()])
  } catch (error) {
    if (error instanceof Absent) return error
    throw new Error(`${benchmark.name}, ${system.name}: ${(error as Error).message}`, { cause: error })
  } finally {
    over.abort()
    await Promise.all(started.map((running) => running.stop()))
    await rm(folder, { recursive: true, force: true })
  }
}
