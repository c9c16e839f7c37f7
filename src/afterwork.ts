import { availableParallelism } from 'node:os'
import type { Middleware } from 'koa'
import { pino } from 'pino'
import { importingTasks, urlOf, type Tasks } from './core/definition.ts'
import { milliseconds, type Duration } from './core/duration.ts'
import { AfterworkError, badOption } from './core/errors.ts'
import { Events, type AfterworkEvents, type EventName } from './core/events.ts'
import { checkKeys, integer, nonEmptyString } from './core/options.ts'
import { localPool, resolvePool, type PoolOptions, type PoolSizes, type PoolState } from './core/pool.ts'
import type { AddTask } from './core/reference.ts'
import { hasEnded, taskStates } from './core/task.ts'
import { Dispatcher } from './dispatch/dispatcher.ts'
import { FileStore } from './files/store.ts'
import { sweep } from './files/sweep.ts'
import type { AddedTask } from './koa/background.ts'
import { backgroundMiddleware } from './koa/middleware.ts'
import { taskRoutes } from './koa/routes.ts'
import { logEvents, type TaskLogger } from './observe/log.ts'
import { LocalPool } from './pool/local.ts'
import { Pool } from './pool/pool.ts'
import { probeTasks } from './pool/probe.ts'
import { Intake } from './queue/intake.ts'
import { openQueue } from './queue/open.ts'
import type { Engine, Records } from './queue/queue.ts'

/** Options of createAfterwork(). */
export interface AfterworkOptions {
  /** What defineTasks() returned. */
  tasks: Tasks<Record<string, any>>
  /** Where tasks wait: 'memory:', gone with the process. Default 'memory:'. */
  queue?: string
  /** Sizes of the pools `cpu` and `mail`, and any pools of your own. */
  pools?: Record<string, PoolOptions>
  /** Tasks that may wait or run; past them addTask is refused with AFTERWORK_QUEUE_FULL. Default 100,000. */
  maxQueued?: number
  /** Bytes of their arguments, likewise. Default 256 MB. */
  maxQueuedBytes?: number
  /** The folder of uploaded files; made when upload() is first used. Default 'data/files'. */
  files?: string
  /** How long an uploaded file is kept after the last task that names it has ended. Default 24 h. */
  keepFiles?: Duration
  /** How long stop() lets running tasks go on. Default 10 s. */
  drain?: Duration
  /** A pino logger, or false for none. Default: pino on standard output, level info. */
  logger?: TaskLogger | false
}

/** How long ended tasks are remembered. */
const retention = { age: 7 * 24 * 3_600_000, tasks: 100_000 }

/** How often stored files that nothing needs are removed, in milliseconds. */
const sweepInterval = 3_600_000

/** The pools every app has: `cpu` on all cores, and `mail`, whose tasks wait for a server, ten at a time on one thread. */
function standardPools(): Record<string, PoolSizes> {
  const cpu = {
    minThreads: 1,
    maxThreads: availableParallelism(),
    concurrency: 1,
    nice: 10,
    env: process.env,
  }
  return { cpu, mail: { ...cpu, maxThreads: 1, concurrency: 10 } }
}

/**
 * Background tasks for a Koa app.
 * @throws AFTERWORK_BAD_OPTION
 * @example
 * const afterwork = createAfterwork({ tasks, pools: { cpu: { maxThreads: 4 } } })
 * app.use(afterwork.middleware())
 * await afterwork.start()
 * app.listen(3000)
 */
export function createAfterwork(options: AfterworkOptions): Afterwork {
  return new Afterwork(options)
}

/** The runtime: wires the queue, the pools and Koa together, from start() to stop(). */
export class Afterwork {
  /** Where uploaded files are. */
  readonly files: FileStore
  readonly #events = new Events()
  readonly #url: string
  readonly #engine: Engine
  readonly #sizes: Record<string, PoolSizes>
  readonly #intake: Intake
  readonly #local = new LocalPool()
  readonly #drain: number
  readonly #keepFiles: number
  #sweeper: NodeJS.Timeout | undefined
  #pools: Pool[] = []
  #dispatcher: Dispatcher | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  constructor(given: AfterworkOptions) {
    if ((globalThis as Record<symbol, unknown>)[importingTasks] === true) {
      throw new AfterworkError(
        'AFTERWORK_TASKS_FILE',
        'The tasks file calls createAfterwork(): keep defineTasks() in a file apart from the app',
      )
    }
    const known = [
      'tasks',
      'queue',
      'pools',
      'maxQueued',
      'maxQueuedBytes',
      'files',
      'keepFiles',
      'drain',
      'logger',
    ]
    const options = checkKeys(given, known, 'createAfterwork()') as unknown as AfterworkOptions
    this.#url = urlOf(options.tasks)
    this.#sizes = poolSizes(options.pools)
    this.#drain = milliseconds(options.drain ?? '10s', 'createAfterwork().drain')
    this.#keepFiles = milliseconds(options.keepFiles ?? '24h', 'createAfterwork().keepFiles')
    this.files = new FileStore(nonEmptyString(options.files ?? 'data/files', 'createAfterwork().files'))
    const count = integer(1, Number.MAX_SAFE_INTEGER)
    const bounds = {
      maxTasks: count(options.maxQueued ?? 100_000, 'createAfterwork().maxQueued'),
      maxBytes: count(options.maxQueuedBytes ?? 256 * 1024 ** 2, 'createAfterwork().maxQueuedBytes'),
    }
    this.#engine = openQueue(
      nonEmptyString(options.queue ?? 'memory:', 'createAfterwork().queue'),
      bounds,
      retention,
    )
    this.#intake = new Intake(this.#engine, this.#events, this.#url)
    if (options.logger !== false) logEvents(this.#events, options.logger ?? pino())
  }

  /** Loads every module once in a worker, starts the pools and lets tasks in; throws AFTERWORK_TASKS_FILE. */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  /**
   * Takes no more tasks, lets running ones go on for at most `drain`, then ends them; what had not ended stays queued.
   * Close the server first, so that the last responses release their tasks.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Middleware that gives `ctx.background`; use it once, outermost. */
  middleware(): Middleware {
    return backgroundMiddleware({
      intake: this.#intake,
      local: this.#local,
      records: this.#engine,
      files: this.files,
      events: this.#events,
    })
  }

  /** Middleware with GET /tasks, /tasks/:id and /pools behind `prefix`; guard it as you would any page for operators. */
  routes({ prefix = '' }: { prefix?: string } = {}): Middleware {
    return taskRoutes(this.#engine, () => this.pools(), prefix)
  }

  /**
   * Adds a task outside a request; resolves once it is committed.
   * @throws AFTERWORK_BAD_VALUE, AFTERWORK_UNKNOWN_TASK, AFTERWORK_QUEUE_FULL, AFTERWORK_NOT_STARTED
   */
  readonly addTask: AddTask<Promise<AddedTask>> = async (task, ...args) => {
    const row = this.#intake.create(task, args, undefined)
    await this.#intake.commit([row], { held: false })
    return { id: row.id, name: row.name }
  }

  /** What is known of the tasks. */
  get records(): Records {
    return this.#engine
  }

  /** Sizes and load of the pools. */
  pools(): PoolState[] {
    return this.#pools.map((pool) => pool.state)
  }

  on<K extends EventName>(name: K, listener: (...args: AfterworkEvents[K]) => void): this {
    this.#events.on(name, listener)
    return this
  }

  once<K extends EventName>(name: K, listener: (...args: AfterworkEvents[K]) => void): this {
    this.#events.once(name, listener)
    return this
  }

  off<K extends EventName>(name: K, listener: (...args: AfterworkEvents[K]) => void): this {
    this.#events.off(name, listener)
    return this
  }

  async #start(): Promise<void> {
    const names = await probeTasks(this.#url, process.env)
    if (this.#stopping !== undefined)
      throw new AfterworkError('AFTERWORK_STOPPED', 'stop() was called before start() had ended')
    this.#pools = Object.entries(this.#sizes).map(([name, sizes]) => this.#createPool(name, sizes))
    this.#dispatcher = new Dispatcher(this.#engine, [...this.#pools, this.#local], this.#events)
    this.#dispatcher.start()
    this.#intake.open(names, new Set(Object.keys(this.#sizes)))
    this.#sweeper = setInterval(() => void this.#sweep(), sweepInterval).unref()
    void this.#sweep()
    this.#events.emit('afterwork.started', { at: Date.now(), tasks: names.size })
  }

  async #stop(): Promise<void> {
    this.#intake.close()
    clearInterval(this.#sweeper)
    await this.#starting?.catch(() => {})
    await this.#dispatcher?.stop(this.#drain)
    const counters = await this.#engine.counters()
    await this.#engine.close()
    const left = taskStates.reduce((sum, state) => sum + (hasEnded(state) ? 0 : counters[state]), 0)
    this.#events.emit('afterwork.stopped', { at: Date.now(), left })
  }

  async #sweep(): Promise<void> {
    if (!this.files.prepared) return
    try {
      await sweep(this.files, (id) => this.#engine.file(id), this.#keepFiles)
    } catch (error) {
      this.#events.emit('afterwork.error', {
        at: Date.now(),
        error: error as Error,
        during: 'sweeping the stored files',
      })
    }
  }

  #createPool(name: string, sizes: PoolSizes): Pool {
    return new Pool(name, sizes, this.#url, {
      progress: (task, progress) => {
        this.#engine.progress(task.id, task.attempt, progress)
        const { id, attempt } = task
        this.#events.emit('task.progress', {
          id,
          name: task.name,
          pool: name,
          at: Date.now(),
          attempt,
          progress,
        })
      },
      log: ({ id, name: task, attempt }, level, message, fields) => {
        this.#events.emit('task.log', {
          id,
          name: task,
          pool: name,
          at: Date.now(),
          attempt,
          level,
          message,
          fields,
        })
      },
      error: (error) =>
        this.#events.emit('afterwork.error', {
          at: Date.now(),
          error,
          during: `running the threads of pool ${name}`,
        }),
    })
  }
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
