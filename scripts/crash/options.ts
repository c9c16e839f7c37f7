import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

/** What the command line asks for. */
export interface Options {
  kills: number
  /** Decides what the clients send and what the kills wait for; when exactly they come, the machine decides. */
  seed: number
  /** Whether the data folder stays for a look. */
  keep: boolean
  queue: 'sqlite' | 'postgres'
  /** How many share the queue: more than one needs PostgreSQL. */
  processes: number
  /** How many of the kills hit PostgreSQL itself. */
  databaseKills: number
}

const maxSeed = 2 ** 32 - 1
/** As many as PostgreSQL has connections for, by default. */
const maxProcesses = 10

/** Reads the command line; throws an Error of one line. `hasServer`: there is a PostgreSQL already, which is nobody's to kill. */
export function parseOptions(args: string[], hasServer = false): Options {
  const { values } = parse(args)
  const kills = whole('--kills', values.kills ?? '20', [0, 10_000])
  const queue = queueOf(values.queue)
  const isShared = queue === 'postgres'
  const processes = whole('--processes', values.processes ?? '1', [1, maxProcesses])
  if (processes > 1 && !isShared)
    throw new Error('--processes: Expected 1 with sqlite, which one process has')
  const usual = isShared && !hasServer ? Math.floor(kills / 10) : 0
  const databaseKills = whole('--database-kills', values['database-kills'] ?? String(usual), [0, kills])
  if (databaseKills > 0 && !isShared) throw new Error('--database-kills: Expected --queue postgres beside it')
  if (databaseKills > 0 && hasServer)
    throw new Error('--database-kills: Expected no TEST_POSTGRES_URL, whose server is not to be killed')
  return {
    kills,
    seed: whole('--seed', values.seed ?? String(randomInt(maxSeed)), [0, maxSeed]),
    keep: values.keep,
    queue,
    processes,
    databaseKills,
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
        queue: { type: 'string', default: 'sqlite' },
        processes: { type: 'string' },
        'database-kills': { type: 'string' },
      },
    })
  } catch (error) {
    throw new Error((error as Error).message.split(/\. To specify|\n/, 1)[0], { cause: error })
  }
}

function queueOf(text: string): Options['queue'] {
  if (text === 'sqlite' || text === 'postgres') return text
  throw new Error(`--queue: Expected sqlite or postgres, got ${JSON.stringify(text)}`)
}

function whole(flag: string, text: string, [min, max]: [number, number]): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new Error(`${flag}: Expected a whole number from ${min} to ${max}, got ${JSON.stringify(text)}`)
}
