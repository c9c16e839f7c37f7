import { parseArgs } from 'node:util'
import { defaults, type Scenario } from './scenario.ts'

/** What the command line asks for. */
export interface Options {
  /** How many machines there are, ascending. */
  machines: number[]
  scenario: Scenario
  json: boolean
}

const usual = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000]
const most = { machines: 5_000, sizes: 20, tasks: 200_000 }

interface Range {
  flag: string
  low: number
  high: number
  whole?: boolean
}

/** Reads the command line; throws an Error of one line. */
export function parseOptions(args: string[]): Options {
  const values = parse(args)
  const number = (range: Range, otherwise: number): number => {
    const text = values[range.flag]
    return typeof text === 'string' ? numberOf(text, range) : otherwise
  }
  const share = (flag: string, otherwise: number): number => number({ flag, low: 0, high: 1 }, otherwise)
  const { load, hardware } = defaults
  const scenario: Scenario = {
    load: {
      rate: number({ flag: 'rate', low: 0.1, high: 10_000 }, load.rate),
      work: number({ flag: 'work', low: 0.01, high: 3_600_000 }, load.work),
      size: number({ flag: 'size', low: 2, high: 10_000_000, whole: true }, load.size),
      grouped: share('grouped', load.grouped),
      unique: share('unique', load.unique),
      limited: share('limited', load.limited),
    },
    hardware: {
      ...hardware,
      threads: number({ flag: 'threads', low: 1, high: 1_000, whole: true }, hardware.threads),
      cores: number({ flag: 'cores', low: 1, high: 1_000, whole: true }, hardware.cores),
      fsync: number({ flag: 'fsync', low: 0.01, high: 1_000 }, hardware.fsync),
      network: number({ flag: 'network', low: 0, high: 1_000 }, hardware.network),
      maxConnections: number(
        { flag: 'connections', low: 8, high: 100_000, whole: true },
        hardware.maxConnections,
      ),
    },
    seed: number({ flag: 'seed', low: 0, high: 2 ** 32 - 1, whole: true }, defaults.seed),
  }
  const { grouped, unique, limited, rate } = scenario.load
  if (grouped + unique + limited > 1)
    throw new Error(
      `--grouped, --unique, --limited: Expected shares of together at most 1, got ${grouped + unique + limited}`,
    )
  const machines = typeof values['machines'] === 'string' ? machinesOf(values['machines']) : usual
  if (rate * machines.at(-1)! > most.tasks)
    throw new Error(
      `--rate, --machines: Expected at most ${most.tasks} tasks a second in all, got ${rate * machines.at(-1)!}`,
    )
  return { machines, scenario, json: values['json'] === true }
}

function parse(args: string[]): Record<string, string | boolean | undefined> {
  const withValue = [
    'machines',
    'rate',
    'work',
    'size',
    'grouped',
    'unique',
    'limited',
    'threads',
    'cores',
    'fsync',
    'network',
    'connections',
    'seed',
  ]
  const options = Object.fromEntries(withValue.map((flag) => [flag, { type: 'string' } as const]))
  try {
    return parseArgs({ args, options: { ...options, json: { type: 'boolean' } } }).values
  } catch (error) {
    throw new Error((error as Error).message.split(/\. To specify|\n/, 1)[0], { cause: error })
  }
}

function machinesOf(text: string): number[] {
  const parts = text.split(',')
  if (parts.length > most.sizes)
    throw new Error(`--machines: Expected at most ${most.sizes} numbers, got ${parts.length}`)
  const range: Range = { flag: 'machines', low: 1, high: most.machines, whole: true }
  return Array.from(new Set(parts.map((part) => numberOf(part, range)))).sort((a, b) => a - b)
}

function numberOf(text: string, { flag, low, high, whole = false }: Range): number {
  const value = Number(text)
  const isNumber = (whole ? /^\d+$/ : /^\d+(\.\d+)?$/).test(text)
  if (isNumber && value >= low && value <= high) return value
  const wanted = whole ? 'a whole number' : 'a number'
  throw new Error(`--${flag}: Expected ${wanted} from ${low} to ${high}, got ${JSON.stringify(text)}`)
}
