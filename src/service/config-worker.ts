import { didYouMean, badOption } from '../core/errors.ts'
import { nonEmptyString } from '../core/check.ts'
import type { PoolOptions } from '../core/pool.ts'
import { complete, isShared, settings, shownQueue, type Config } from './config.ts'
import { readGiven, unread, type Setting, type Settings } from './config-sources.ts'

/** What a process without HTTP does with tasks, beside the configuration that it shares with `serve`. */
export interface WorkerConfig extends Config {
  queue: string
  /** The file of the user's tasks; null for those of the service. */
  tasks: string | null
  /** Which pools to work on; null for all that the tasks name. */
  pools: readonly string[] | null
  /** Sizes of pools, by name. */
  sizes: ReadonlyMap<string, PoolOptions>
}

const own = {
  tasks: { flag: 'tasks', env: 'AFTERWORK_TASKS', parse: nonEmptyString },
  pools: { flag: 'pools', env: 'AFTERWORK_POOLS', parse: poolNames, repeated: true as const },
  pool: { flag: 'pool', env: 'AFTERWORK_POOL', parse: poolSizes, repeated: true as const },
}

/** What matters where requests are taken only. */
const forRequests = [
  'host',
  'port',
  'work',
  'maxUpload',
  'thumbnailWidths',
  'mailAllow',
  'tokenFile',
  'token',
]

/** What matters to the tasks of a user's own file. */
const forTasks = ['data', 'queue', 'poolMin', 'poolMax', 'mailConcurrency', 'drain', 'logLevel']

const command = 'afterwork work'
const most = 10_000

/**
 * Reads flags, then the environment, then `afterwork.config.json`, for `afterwork work`. What only concerns requests, or
 * only the service's tasks where there are others, is not read and no flag of it.
 * @throws AFTERWORK_BAD_OPTION with one line that names the flag, variable or key
 */
export function readWorkerConfig(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  file?: string,
): WorkerConfig {
  const keys = Object.keys(settings)
  const isOwn = tasksOf(args, env, file) !== undefined
  const passedOver = isOwn ? keys.filter((key) => !forTasks.includes(key)) : forRequests
  const given = readGiven({ ...settings, ...own, ...unread(passedOver) }, args, env, file, command)
  const { tasks = null, pools = null, pool = new Map<string, PoolOptions>(), ...rest } = given
  const config = complete(rest)
  const { queue } = config
  if (queue === null || !isShared(config)) {
    throw badOption(
      '--queue',
      "the URL of a queue that other processes add to, such as 'postgres://user:password@host:port/database'",
      shownQueue(config),
    )
  }
  return { ...config, queue, tasks, pools, sizes: pool }
}

/** The file of tasks, which decides what else is read. */
function tasksOf(args: readonly string[], env: NodeJS.ProcessEnv, file?: string): string | undefined {
  const flagsOnly = Object.entries<Setting<unknown>>({ ...settings, ...own }).map(([key, setting]) => {
    return [key, { ...setting, env: '', parse: String, unread: true as const }]
  })
  const first: Settings = { ...Object.fromEntries(flagsOnly), tasks: own.tasks }
  return readGiven(first, args, env, file, command)['tasks'] as string | undefined
}

/** Names separated by commas. */
function poolNames(text: string, what: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim())
  if (!names.includes('')) return names
  throw badOption(what, `names of pools separated by commas, such as 'cpu,mail'`, text)
}

/** Sizes such as `pdf=2`, at most two threads, or `mail=0-1x20`, none to one thread with 20 tasks each at a time. */
function poolSizes(text: string, what: string): ReadonlyMap<string, PoolOptions> {
  return new Map(
    text.split(',').map((part) => {
      const [, name, min, max, tasks] = /^\s*([^=]+?)\s*=(?:(\d+)-)?(\d+)(?:x(\d+))?\s*$/.exec(part) ?? []
      const maxThreads = Number(max)
      const minThreads = min === undefined ? undefined : Number(min)
      const concurrency = tasks === undefined ? undefined : Number(tasks)
      const fits = maxThreads >= 1 && maxThreads <= most && (minThreads ?? 0) <= maxThreads
      if (name === undefined || !fits || (concurrency ?? 1) < 1 || (concurrency ?? 1) > most) {
        throw badOption(
          what,
          `NAME=THREADS, NAME=THREADSxCONCURRENCY or NAME=MIN-MAXxCONCURRENCY, such as 'mail=0-1x20'`,
          part,
        )
      }
      const sizes = { maxThreads, ...(minThreads !== undefined && { minThreads }) }
      return [name, { ...sizes, ...(concurrency !== undefined && { concurrency }) }]
    }),
  )
}

/**
 * Which pools to work on: `wanted`, or all that are `used`.
 * @throws AFTERWORK_BAD_OPTION for a name that none of the `known` pools has
 */
export function chosenPools(
  wanted: readonly string[] | null,
  used: readonly string[],
  known: readonly string[],
): string[] {
  for (const name of wanted ?? []) {
    if (known.includes(name)) continue
    throw badOption(
      '--pools',
      `pools that the definitions of the tasks name (${known.join(', ')}), or one whose size --pool gives`,
      name,
      didYouMean(name, known),
    )
  }
  return [...new Set(wanted ?? used)]
}
