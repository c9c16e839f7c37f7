import { availableParallelism } from 'node:os'
import { pino } from 'pino'
import { checkKeys, integer, nonEmptyString, number } from './core/check.ts'
import { urlOf, type Tasks } from './core/definition.ts'
import { milliseconds, type Duration } from './core/duration.ts'
import { badOption, didYouMean } from './core/errors.ts'
import { defaults, resolveOptions, type DefinitionOptions, type ResolvedOptions } from './core/options.ts'
import { localPool, resolvePool, type PoolOptions, type PoolSizes } from './core/pool.ts'
import { isPostgres, queueUrl, withoutPassword } from './core/queue-url.ts'
import type { TaskLogger } from './observe/log.ts'
import type { TaskLimits } from './queue/limits.ts'
import type { QueueBounds, Retention } from './queue/queue.ts'

/** Options of createAfterwork(). */
export interface AfterworkOptions {
  /** What defineTasks() returned. */
  tasks: Tasks<Record<string, any>>
  /**
   * Where tasks wait: 'sqlite:' and a file, which survives a crash of the process or the machine; 'memory:', gone with
   * the process; or 'postgres://user:password@host:port/database', which any number of processes on any number of machines
   * share. Default 'sqlite:data/queue.db'.
   */
  queue?: string
  /** Sizes of the pools `cpu` and `mail`, and any pools of your own. */
  pools?: Record<string, PoolOptions>
  /**
   * Which of the pools this process works on: all, none (`false`), or those named. Tasks of the others can be added, and wait
   * for another process, so this needs a `postgres:` queue. Local functions always run where they were added. Default true.
   */
  work?: boolean | readonly string[]
  /** Tasks that may wait or run; past them addTask is refused with AFTERWORK_QUEUE_FULL. Default 100,000. */
  maxQueued?: number
  /** Bytes of their arguments, likewise. Default 256 MB. */
  maxQueuedBytes?: number
  /** How long a commit may take before the request is refused with AFTERWORK_QUEUE_TIMEOUT. Default 5 s. */
  commitTimeout?: Duration
  /** The folder of uploaded files; made when upload() is first used. Default 'data/files'. */
  files?: string
  /** How long an uploaded file is kept after the last task that names it has ended. Default 24 h. */
  keepFiles?: Duration
  /**
   * How long after it was last written a file that no known task names is kept: a kill left it, or the tasks that named
   * it were forgotten. Default: `keepFiles`, but at least 1 h.
   */
  keepUnnamed?: Duration
  /**
   * Bytes that the uploaded files and their variants may take; past them uploads are refused with AFTERWORK_DISK_FULL.
   * What is there is counted once, before the first upload is taken. Default: no bound.
   */
  maxDisk?: number
  /** How long stop() lets running tasks go on. Default 10 s. */
  drain?: Duration
  /**
   * How many tasks of a name run at a time and how often they start, such as `{ 'mail.send': { rateLimit: { max: 10, per:
   * '1s' } } }`: wins over their definition, also for tasks that were added before. Default: as they are defined.
   */
  limits?: Record<string, Pick<DefinitionOptions, 'concurrency' | 'rateLimit'>>
  /** A pino logger, or false for none. Default: pino on standard output, level info. */
  logger?: TaskLogger | false
}

/** The same complete and checked; durations are milliseconds. */
export interface ResolvedAfterwork {
  /** Of the tasks file. */
  url: string
  queue: string
  pools: Record<string, PoolSizes>
  /** Names of the pools that this process works on. */
  work: ReadonlySet<string>
  bounds: Required<QueueBounds>
  retention: Retention
  commitTimeout: number
  files: string
  keepFiles: number
  keepUnnamed: number
  /** Infinity for no bound. */
  maxDisk: number
  drain: number
  logger: TaskLogger | false
}

const hour = 3_600_000

/** The longest a Node.js timer can wait. */
const maxTimer = 2 ** 31 - 1

const known = [
  'tasks',
  'queue',
  'pools',
  'work',
  'maxQueued',
  'maxQueuedBytes',
  'commitTimeout',
  'files',
  'keepFiles',
  'keepUnnamed',
  'maxDisk',
  'drain',
  'limits',
  'logger',
]

/** Checks the options of createAfterwork(); throws AFTERWORK_BAD_OPTION. */
export function resolveAfterwork(given: AfterworkOptions): ResolvedAfterwork {
  const where = 'createAfterwork()'
  const options = checkKeys(given, known, where) as unknown as AfterworkOptions
  const count = integer(1, Number.MAX_SAFE_INTEGER)
  const keepFiles = milliseconds(options.keepFiles ?? '24h', `${where}.keepFiles`)
  const queue = queueUrl(options.queue ?? 'sqlite:data/queue.db', `${where}.queue`)
  const pools = poolSizes(options.pools)
  return {
    url: urlOf(options.tasks),
    queue,
    pools,
    work: workedOn(options.work ?? true, Object.keys(pools), queue, `${where}.work`),
    bounds: {
      maxTasks: count(options.maxQueued ?? 100_000, `${where}.maxQueued`),
      maxBytes: count(options.maxQueuedBytes ?? 256 * 1024 ** 2, `${where}.maxQueuedBytes`),
      limits: taskLimits(options.limits, `${where}.limits`),
    },
    retention: { tasks: 100_000 },
    commitTimeout: number(
      1,
      maxTimer,
      'ms',
    )(milliseconds(options.commitTimeout ?? '5s', `${where}.commitTimeout`), `${where}.commitTimeout`),
    files: nonEmptyString(options.files ?? 'data/files', `${where}.files`),
    keepFiles,
    keepUnnamed: milliseconds(options.keepUnnamed ?? Math.max(hour, keepFiles), `${where}.keepUnnamed`),
    maxDisk: options.maxDisk === undefined ? Infinity : count(options.maxDisk, `${where}.maxDisk`),
    drain: milliseconds(options.drain ?? '10s', `${where}.drain`),
    logger: options.logger ?? pino(),
  }
}

/** Their names are known when the tasks are. */
function taskLimits(given: AfterworkOptions['limits'] = {}, where: string): TaskLimits {
  const entries = Object.entries(checkKeys(given, Object.keys(given ?? {}), where))
  return Object.fromEntries(
    entries.map(([name, limits]) => {
      const own = Object.keys(checkKeys(limits, ['concurrency', 'rateLimit'], `${where}.${name}`))
      const resolved = resolveOptions(limits, defaults, `${where}.${name}`, 'definition')
      return [name, Object.fromEntries(own.map((key) => [key, resolved[key as keyof ResolvedOptions]]))]
    }),
  )
}

/** Nobody else can work on a queue in a file or in memory: what this process leaves would wait for ever. */
function workedOn(
  given: unknown,
  pools: readonly string[],
  queue: string,
  where: string,
): ReadonlySet<string> {
  const names = new Set<unknown>(given === true ? pools : [])
  if (typeof given !== 'boolean') {
    if (!Array.isArray(given)) throw badOption(where, 'true, false or names of pools', given)
    for (const name of given as unknown[]) {
      if (pools.includes(name as string)) names.add(name)
      else throw badOption(where, `some of the pools ${pools.join(', ')}`, name, nearest(name, pools))
    }
  }
  if (names.size === pools.length || isPostgres(queue)) return names as Set<string>
  throw badOption(
    where,
    `true or all pools, for no other process can work on ${withoutPassword(queue)} (with a postgres: queue others can)`,
    given === false ? false : [...names].join(', '),
  )
}

function nearest(name: unknown, known: readonly string[]): string {
  return typeof name === 'string' ? didYouMean(name, known) : ''
}

function poolSizes(given: Record<string, PoolOptions> = {}): Record<string, PoolSizes> {
  const sizes = standardPools()
  for (const [name, options] of Object.entries(
    checkKeys(given, Object.keys(given), 'createAfterwork().pools'),
  )) {
    if (name === localPool)
      throw badOption(
        'createAfterwork().pools',
        `names other than '${localPool}', where local functions run`,
        name,
      )
    sizes[name] = resolvePool(options, sizes[name] ?? sizes['cpu']!, `createAfterwork().pools.${name}`)
  }
  return sizes
}

/**
 * The pools every app has: `cpu` on all cores, and `mail`, whose tasks wait for a server, ten at a time on one thread. One
 * thread that mostly waits keeps nobody from a core, and is late itself if it has to let all others go first.
 */
function standardPools(): Record<string, PoolSizes> {
  const cpu = {
    minThreads: 1,
    maxThreads: availableParallelism(),
    concurrency: 1,
    nice: 10,
    env: process.env,
  }
  return { cpu, mail: { ...cpu, maxThreads: 1, concurrency: 10, nice: 0 } }
}
