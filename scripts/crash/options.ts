import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

/** What the command line asks for. */
export interface Options {
  kills: number
  /** Decides what the clients send and what the kills wait for; when exactly they come, the machine decides. */
  seed: number
  /** Whether the data folder stays for a look. */
  keep: boolean
}

const maxSeed = 2 ** 32 - 1

/** Reads the command line; throws an Error of one line. */
export function parseOptions(args: string[]): Options {
  const { values } = parse(args)
  return {
    kills: whole('--kills', values.kills ?? '20', 10_000),
    seed: whole('--seed', values.seed ?? String(randomInt(maxSeed)), maxSeed),
    keep: values.keep,
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        kills: { type: 'string' },
        seed: { type: 'string' },
        keep: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new Error((error as Error).message.split(/\. To specify|\n/, 1)[0], { cause: error })
  }
}

function whole(flag: string, text: string, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= max) return value
  throw new Error(`${flag}: Expected a whole number from 0 to ${max}, got ${JSON.stringify(text)}`)
}
