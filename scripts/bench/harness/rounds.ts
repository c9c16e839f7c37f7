import { setTimeout as wait } from 'node:timers/promises'
import type { AnyBenchmark, Help, System } from './benchmark.ts'
import { Load } from './load.ts'
import { Absent } from './system-module.ts'
import { withFolder, type Storage } from './storage.ts'
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

/** How often, how big and where, and who hears of each trial. */
export interface RoundsOptions {
  rounds: number
  size: unknown
  storage: Storage
  heard?: (round: number, system: string, measures: Measures) => void
}

/** What a round has beside its systems. */
interface Surroundings {
  load: Load
  size: unknown
  storage: Storage
  prepared: string
}

/** The most a trial may take, and what prepares them all, in milliseconds. */
const limits = { trial: 300_000, preparation: 900_000 }

/** Measures every system once a round; each round begins with another system, so that none is always the first. */
export async function measureRounds(
  benchmark: AnyBenchmark,
  { rounds, size, storage, heard }: RoundsOptions,
): Promise<Results> {
  return withFolder(storage, async (prepared) => {
    await prepare(benchmark, size, prepared)
    const load = new Load()
    const absent = new Map<string, string>()
    const results: Map<string, Measures>[] = []
    try {
      for (let round = 0; round < rounds; round++) {
        const measured = new Map<string, Measures>()
        for (const system of rotated(benchmark.systems, round)) {
          if (absent.has(system.name)) continue
          const measures = await runTrial(benchmark, system, { load, size, storage, prepared })
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
  })
}

/** The list, begun `by` places further on. */
export function rotated<T>(list: readonly T[], by: number): T[] {
  const first = by % list.length
  return [...list.slice(first), ...list.slice(0, first)]
}

async function prepare(benchmark: AnyBenchmark, size: unknown, folder: string): Promise<void> {
  if (benchmark.prepare === undefined) return
  try {
    await withSystems(limits.preparation, (starting) =>
      benchmark.prepare!({ size, folder, start: helping(starting) }),
    )
  } catch (error) {
    throw new Error(`${benchmark.name}, preparation: ${(error as Error).message}`, { cause: error })
  }
}

async function runTrial(
  benchmark: AnyBenchmark,
  system: System,
  { storage, ...surroundings }: Surroundings,
): Promise<Measures | Absent> {
  try {
    return await withFolder(storage, (folder) =>
      withSystems(limits.trial, (starting) => {
        const start = (options?: object): Promise<RunningSystem> => starting(system, options)
        return benchmark.measure({ ...surroundings, system, folder, start, help: helping(starting) })
      }),
    )
  } catch (error) {
    if (error instanceof Absent) return error
    throw new Error(`${benchmark.name}, ${system.name}: ${(error as Error).message}`, { cause: error })
  }
}

function helping(starting: typeof startSystem): Help {
  return (system, options) => starting({ name: 'help', ...system }, options)
}

/** Stops the systems that `work` started when it has ended, or when its time is over. */
async function withSystems<T>(limit: number, work: (start: typeof startSystem) => Promise<T>): Promise<T> {
  const started: RunningSystem[] = []
  const over = new AbortController()

  async function start(system: System, options?: object): Promise<RunningSystem> {
    const running = await startSystem(system, options)
    started.push(running)
    return running
  }
  async function tooLong(): Promise<never> {
    await wait(limit, undefined, { signal: over.signal })
    throw new Error(`it took longer than ${limit} ms`)
  }

  try {
    return await Promise.race([work(start), tooLong()])
  } finally {
    over.abort()
    await Promise.all(started.map((running) => running.stop()))
  }
}
