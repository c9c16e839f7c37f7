import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import type { AnyBenchmark } from './benchmark.ts'
import { allHeld, verdicts } from './floors.ts'
import { report, reportJson, reportTable, verdictTable } from './report.ts'
import { measureRounds } from './rounds.ts'
import { findStorage, type Storage } from './storage.ts'
import { figure } from './table.ts'

/** Where lines go: the console, or what a test reads. */
export interface Output {
  log(line: string): void
  error(line: string): void
}

/** What the command line asks for. */
interface Request {
  benchmark: AnyBenchmark
  rounds: number
  quick: boolean
  json: boolean
  check: boolean
}

const defaultRounds = { full: 5, quick: 2 }

/** Runs the benchmark that the arguments name, or lists all of them; returns the exit code. */
export async function benchCommand(
  args: string[],
  benchmarks: readonly AnyBenchmark[],
  output: Output,
): Promise<number> {
  let request: Request | undefined
  try {
    request = parse(args, benchmarks)
  } catch (error) {
    output.error((error as Error).message.split('. To specify', 1)[0]!)
    return 1
  }
  if (request === undefined) {
    for (const { name, description } of benchmarks) output.log(`${name}: ${description}`)
    return 0
  }
  try {
    return await run(request, output)
  } catch (error) {
    output.error((error as Error).message)
    return 1
  }
}

function parse(args: string[], benchmarks: readonly AnyBenchmark[]): Request | undefined {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      rounds: { type: 'string' },
    },
  })
  const { quick, json, check } = values
  const [name, ...more] = positionals
  if (name === undefined && args.length === 0) return undefined
  const benchmark = benchmarks.find((known) => known.name === name)
  if (benchmark === undefined || more.length > 0) {
    const names = benchmarks.map((known) => known.name).join(', ')
    throw new Error(`Expected one benchmark of ${names}, got ${positionals.join(' ') || 'none'}`)
  }
  const rounds = Number(values.rounds ?? (quick ? defaultRounds.quick : defaultRounds.full))
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds: Expected an integer of at least 1, got ${values.rounds}`)
  return { benchmark, rounds, quick, json, check }
}

async function run({ benchmark, rounds, quick, json, check }: Request, output: Output): Promise<number> {
  const say = (line: string): void => (json ? output.error(line) : output.log(line))
  const { name, description, columns, sizes } = benchmark
  const storage = await findStorage()
  say(`${name}: ${description}`)
  say(`Node ${process.version}, ${availableParallelism()} cores, rounds: ${rounds}${quick ? ', quick' : ''}`)
  // What else runs takes from the systems in unequal parts, and turns ratios round.
  say(`load of the machine before it began: ${figure(loadavg()[0]!, 1)}`)
  if (benchmark.durable === true) say(storageLine(storage))
  const results = await measureRounds(benchmark, {
    rounds,
    size: quick ? sizes.quick : sizes.full,
    storage,
    heard: (round, system, measures) => {
      const known = columns.filter(({ measure }) => !Number.isNaN(measures[measure]))
      const figures = known.map(
        ({ measure, unit, digits = 0 }) => `${measure} ${figure(measures[measure]!, digits)} ${unit}`,
      )
      say(`round ${round + 1}, ${system}: ${figures.map((text) => text.trimEnd()).join(', ')}`)
    },
  })
  const summary = report(benchmark, results)
  const judged = verdicts(benchmark, summary)
  say('')
  reportTable(benchmark, summary).forEach(say)
  say('')
  verdictTable(judged).forEach(say)
  if (json) output.log(reportJson(summary))
  const meaningful = storage.onDisk || benchmark.durable !== true
  return check && !(meaningful && allHeld(judged)) ? 1 : 0
}

function storageLine({ folder, type, onDisk }: Storage): string {
  const warning = onDisk ? '' : ', which is memory and no disk: choose a folder with AFTERWORK_BENCH_DIR'
  return `files in ${folder}: ${type}${warning}`
}
