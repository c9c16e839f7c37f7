import { randomInt } from 'node:crypto'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { groups, type Group } from './group.ts'

/** What the command line asks for. */
export interface Options {
  /** So many files, nothing downloaded; null for all files of all sources. */
  sample: number | null
  /** Files of this group only; null for all. */
  only: Group | null
  /** These files and no others; empty for those of the sources. */
  files: string[]
  /** Decides which files are taken for a sample and how files are mutated. */
  seed: number
  /** How long a task may take, in milliseconds. */
  timeout: number
  /** Where downloads, unpacked files and mutated offenders are kept; absolute. */
  cache: string
  /** Where offenders are copied to; null for nowhere. */
  keep: string | null
  /** Processes at a time, each with one thread. */
  jobs: number
}

const maxSeed = 2 ** 32 - 1

/** Reads the command line; throws an Error of one line. */
export function parseOptions(args: string[]): Options {
  const { values } = parse(args)
  return {
    sample: values.sample === undefined ? null : whole('--sample', values.sample, 1, 1_000_000),
    only: values.only === undefined ? null : group(values.only),
    files: (values.file ?? []).map((path) => resolve(path)),
    seed: whole('--seed', values.seed ?? String(randomInt(maxSeed)), 0, maxSeed),
    timeout: 1_000 * whole('--timeout', values.timeout ?? '60', 1, 3_600),
    cache: resolve(values.cache ?? join(tmpdir(), 'afterwork-corpus')),
    keep: values.keep === undefined ? null : resolve(values.keep),
    jobs: whole('--jobs', values.jobs ?? String(availableParallelism()), 1, 64),
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        sample: { type: 'string' },
        only: { type: 'string' },
        file: { type: 'string', multiple: true },
        seed: { type: 'string' },
        timeout: { type: 'string' },
        cache: { type: 'string' },
        keep: { type: 'string' },
        jobs: { type: 'string' },
      },
    })
  } catch (error) {
    throw new Error((error as Error).message.split(/\. To specify|\n/, 1)[0], { cause: error })
  }
}

function group(text: string): Group {
  const found = groups.find((known) => known === text)
  if (found !== undefined) return found
  throw new Error(`--only: Expected one of ${groups.join(', ')}, got ${JSON.stringify(text)}`)
}

function whole(flag: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new Error(`${flag}: Expected a whole number from ${min} to ${max}, got ${JSON.stringify(text)}`)
}
