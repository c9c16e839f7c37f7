import type { Logger } from 'pino'
import { createAfterwork, type Afterwork } from '../afterwork.ts'
import { definitionsOf, urlOf } from '../core/definition.ts'
import { badOption, didYouMean } from '../core/errors.ts'
import type { PoolOptions } from '../core/pool.ts'
import { chosenPools, type WorkerConfig } from './config-worker.ts'
import { forgetSigning, prepareData } from './data-folder.ts'
import { checkDkim } from './dkim.ts'
import { PausedPools } from './paused.ts'
import { createRuntime, poolsOf } from './runtime.ts'
import { importTasks } from './tasks-file.ts'

/** A process that runs tasks and takes no requests. */
export interface Worker {
  afterwork: Afterwork
  /** Names of the pools that it works on. */
  pools: readonly string[]
}

/**
 * How long a file outlives its tasks, for those who do not know what the app says of that: about a hundred years, in
 * milliseconds. The app's own processes sweep.
 */
const forEver = 36_500 * 86_400_000

/**
 * Starts to work on the tasks of the service, or of a user's own file.
 * @throws AFTERWORK_BAD_OPTION, AFTERWORK_TASKS_FILE, AFTERWORK_PACKAGE_MISSING, or the error of the queue
 */
export function startWorker(config: WorkerConfig, logger: Logger): Promise<Worker> {
  return config.tasks === null ? workForService(config, logger) : workForApp(config.tasks, config, logger)
}

async function workForService(config: WorkerConfig, logger: Logger): Promise<Worker> {
  const data = prepareData(config.data)
  const pools: Record<string, PoolOptions> = poolsOf(config, data)
  const names = Object.keys(pools)
  for (const [name, sizes] of config.sizes) {
    if (pools[name] === undefined)
      throw badOption('--pool', `sizes of ${names.join(', ')}`, name, didYouMean(name, names))
    pools[name] = { ...pools[name], ...sizes }
  }
  const work = chosenPools(config.pools, names, names)
  await checkDkim(config, logger)
  const afterwork = createRuntime(config, { data, pools, work, logger })
  const paused = new PausedPools(afterwork, data, work)
  await start(afterwork)
  forgetSigning(data)
  // Not waited for: what ran at a crash runs first, and may take its time.
  paused
    .resume()
    .catch((error: unknown) => logger.error({ err: error }, 'a paused pool could not be resumed'))
  return { afterwork, pools: work }
}

async function workForApp(file: string, config: WorkerConfig, logger: Logger): Promise<Worker> {
  const tasks = await importTasks(file)
  const used = new Set(['cpu'])
  for (const { options, tasks: own } of definitionsOf(urlOf(tasks)).values())
    for (const { pool } of [options, ...own.values()]) used.add(pool)
  const pools: Record<string, PoolOptions> = Object.fromEntries(Array.from(used, (name) => [name, {}]))
  pools['cpu'] = { minThreads: config.poolMin, maxThreads: config.poolMax }
  pools['mail'] = { concurrency: config.mailConcurrency }
  for (const [name, sizes] of config.sizes) pools[name] = { ...pools[name], ...sizes }
  const work = chosenPools(config.pools, [...used, ...config.sizes.keys()], Object.keys(pools))
  const afterwork = createAfterwork({
    tasks,
    queue: config.queue,
    pools,
    work,
    files: `${config.data}/files`,
    keepFiles: forEver,
    drain: config.drain,
    logger,
  })
  await start(afterwork)
  return { afterwork, pools: work }
}

/** What had begun when the start failed would keep the process. */
async function start(afterwork: Afterwork): Promise<void> {
  try {
    await afterwork.start()
  } catch (error) {
    // Should that fail, too, why it did not start is what matters.
    await afterwork.stop().catch(() => {})
    throw error
  }
}
