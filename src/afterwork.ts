import type { Middleware } from 'koa'
import { Aftermath } from './afterwork-aftermath.ts'
import { resolveAfterwork, type AfterworkOptions } from './afterwork-options.ts'
import { runtimeParts, type AfterworkParts, type LocalRunner, type RunningPool } from './afterwork-parts.ts'
import type { AttemptRecord } from './core/attempt.ts'
import { importingTasks } from './core/definition.ts'
import { AfterworkError, didYouMean } from './core/errors.ts'
import { Events, type EventName, type Listener } from './core/events.ts'
import { checkKeys } from './core/check.ts'
import {
  localPool,
  resolvePool,
  sizesWith,
  type PoolSizes,
  type PoolState,
  type Resizing,
} from './core/pool.ts'
import type { Failure } from './core/failure.ts'
import { checkName, type AddTask } from './core/reference.ts'
import { hasEnded, taskStates, type AddedTask, type TaskRecord } from './core/task.ts'
import { decodeArguments } from './core/value.ts'
import type { Dispatcher } from './dispatch/dispatcher.ts'
import { SharedFolder } from './files/shared-folder.ts'
import { FileStore } from './files/store.ts'
import { Sweeper } from './files/sweeper.ts'
import { metricsRoute } from './koa/metrics.ts'
import { idempotencyMiddleware, type IdempotencyOptions } from './koa/idempotency.ts'
import { backgroundMiddleware } from './koa/middleware.ts'
import { taskRoutes } from './koa/routes.ts'
import { logEvents } from './observe/log.ts'
import { Metrics, resolveMetrics, type MetricsOptions } from './observe/metrics.ts'
import type { Catalog } from './pool/envelope.ts'
import { Intake } from './queue/intake.ts'
import type { Engine, Known, Records } from './queue/queue.ts'

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
  /** Names of the pools that this process works on. */
  readonly #work: ReadonlySet<string>
  readonly #intake: Intake
  readonly #aftermath: Aftermath
  readonly #parts: AfterworkParts
  #known: Known | undefined
  readonly #local: LocalRunner
  readonly #drain: number
  /** Names of tasks for which limits are set. */
  readonly #limited: readonly string[]
  readonly #sweeper: Sweeper
  /** Undefined where no other process can have the queue. */
  readonly #sharedFolder: SharedFolder | undefined
  readonly #pools = new Map<string, RunningPool>()
  readonly #metrics = new Metrics({
    events: this.#events,
    // Before start() and while it ends the queue cannot be asked.
    records: () =>
      this.#dispatcher === undefined || this.#stopping !== undefined ? undefined : this.#engine,
    workers: () =>
      Array.from(this.#pools.values(), ({ name, workers, sizes }) => [
        name,
        { ...workers, most: sizes.maxThreads },
      ]),
  })
  #dispatcher: Dispatcher | undefined
  /** What the threads were started with; undefined until they are. */
  #catalog: Catalog | undefined
  #recycling: Promise<unknown> = Promise.resolve()
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  /** Apps call createAfterwork(); `parts` are for `afterwork/testing`. */
  constructor(given: AfterworkOptions, parts: AfterworkParts = runtimeParts) {
    if ((globalThis as Record<symbol, unknown>)[importingTasks] === true) {
      throw new AfterworkError(
        'AFTERWORK_TASKS_FILE',
        'The tasks file calls createAfterwork(): keep defineTasks() in a file apart from the app',
      )
    }
    const options = resolveAfterwork(given)
    this.#url = options.url
    this.#sizes = options.pools
    this.#work = options.work
    this.#drain = options.drain
    this.#limited = Object.keys(options.bounds.limits)
    this.files = new FileStore(options.files, options.maxDisk)
    this.#parts = parts
    this.#local = parts.createLocal()
    this.#engine = parts.openQueue(options)
    this.#sharedFolder = this.#shareFolder()
    this.#sweeper = new Sweeper({
      store: this.files,
      usageOf: (id) => this.#engine.file(id),
      limits: { keep: options.keepFiles, keepUnnamed: options.keepUnnamed },
      onError: (error) => this.#failed(error, 'sweeping the stored files'),
    })
    this.#intake = new Intake(this.#engine, this.#events, this.#url, options.commitTimeout, () =>
      this.files.check(),
    )
    if (options.logger !== false) logEvents(this.#events, options.logger)
    this.#aftermath = new Aftermath(this.#engine, this.#events)
    this.#engine.subscribe({
      cancel: () => {},
      cancelled: () => {},
      added: () => {},
      paused: (pool, failure) => this.#tellPaused(pool, failure, true),
      resumed: (pool) => this.#tellResumed(pool, true),
      resized: (pool, sizes) => this.#resize(pool, sizes, true),
    })
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

  /**
   * Middleware that does a POST with an `Idempotency-Key` once, and answers the same request again as before; use it
   * behind middleware(). Errors that reach it as thrown, 429 and 5xx are not kept: the request can be made again.
   */
  idempotency(options: IdempotencyOptions = {}): Middleware {
    return idempotencyMiddleware(this.#engine, options, this.#parts.clock.now)
  }

  /**
   * Middleware with routes to list, show, watch, cancel and retry tasks, and to show, resize, pause and resume pools,
   * all behind `prefix`; guard it as you would any page for operators.
   */
  routes({ prefix = '' }: { prefix?: string } = {}): Middleware {
    const operations = {
      records: this.#engine,
      events: this.#events,
      cancel: (id: string) => this.cancel(id),
      retry: (id: string) => this.retry(id),
      purge: (id: string) => this.purge(id),
      pools: () => this.pools(),
      resizePool: (name: string, sizes: Resizing) => this.resizePool(name, sizes),
      pausePool: (name: string) => this.pausePool(name),
      resumePool: (name: string) => this.resumePool(name),
    }
    return taskRoutes(operations, prefix)
  }

  /**
   * Middleware that answers GET /metrics, behind `prefix`, for Prometheus; guard it as you would any page for operators.
   * What is counted is counted from the first call on, so call it before start(). Give it a `register` of prom-client to
   * have the metrics among your own: it then answers with all that `register` has, and your own route may do so instead.
   * @throws AFTERWORK_PACKAGE_MISSING without prom-client; AFTERWORK_BAD_OPTION when `register` has such metrics
   *   already, or is not that of an earlier call
   * @example
   * app.use(await afterwork.metrics())
   */
  async metrics(options: MetricsOptions = {}): Promise<Middleware> {
    const { register, prefix } = resolveMetrics(options)
    const registry = await this.#metrics.registry(register)
    return metricsRoute(registry, prefix)
  }

  /**
   * Adds a task outside a request; resolves once it is committed. With the option `client` it is part of the transaction that
   * is open on that connection: it exists from its COMMIT on, and starts no sooner; there is no event 'task.added' then.
   * @throws AFTERWORK_BAD_VALUE, AFTERWORK_UNKNOWN_TASK, AFTERWORK_QUEUE_FULL, AFTERWORK_NOT_STARTED; AFTERWORK_BAD_OPTION
   *   for a client without an open transaction, or of another database than the queue's; errors of a client as they are
   * @example
   * await client.query('BEGIN')
   * await client.query('INSERT INTO orders ...')
   * await afterwork.addTask(tasks.mail.sendReceipt.with({ client }), order.id)
   * await client.query('COMMIT')
   */
  readonly addTask: AddTask<Promise<AddedTask>> = async (task, ...args) => {
    const { id, name } = await this.#intake.add(task, args)
    return { id, name }
  }

  /** What is known of the tasks. */
  get records(): Records {
    return this.#engine
  }

  /**
   * The attempts of a task that did not end well, oldest first: at most the last 100, for as long as the task is remembered. Only
   * `postgres:` keeps a log of them: with other queues, and where there are none, it is [].
   */
  async attempts(id: string): Promise<AttemptRecord[]> {
    return (await this.#engine.attempts?.(id)) ?? []
  }

  /**
   * Cancels a task: one that waits at once; one that runs has its signal aborted, and loses its thread if it does not
   * heed it. Resolves with what is then known of it.
   * @throws AFTERWORK_TASK_NOT_FOUND, AFTERWORK_CONFLICT when it has ended
   */
  cancel(id: string): Promise<TaskRecord> {
    return this.#engine.cancel(id, this.#parts.clock.now())
  }

  /**
   * Runs a failed or cancelled task again, with a fresh budget of `retries`; it keeps its id and waits for nobody.
   * @throws AFTERWORK_TASK_NOT_FOUND, AFTERWORK_CONFLICT when it has not failed, or another has its unique key
   */
  async retry(id: string): Promise<TaskRecord> {
    const record = await this.#engine.retry(id)
    this.#events.emit('task.requeued', {
      id: record.id,
      name: record.name,
      pool: record.pool,
      at: this.#parts.clock.now(),
    })
    return record
  }

  /**
   * Forgets a task that has ended, before its time; the files that only it named go with it.
   * @throws AFTERWORK_TASK_NOT_FOUND, AFTERWORK_CONFLICT when it has not ended
   */
  async purge(id: string): Promise<void> {
    const record = await this.#engine.get(id)
    await this.#engine.purge(id)
    if (record === undefined) return
    await this.#sweeper
      .forget(decodeArguments(record.args))
      .catch((error: unknown) => this.#failed(error as Error, 'removing the files of a task'))
  }

  /** Calls back with every task that has failed for good. */
  onFailed(listener: (task: TaskRecord) => unknown): this {
    return this.on('task.failed', async ({ id }) => {
      const record = await this.#engine.get(id)
      if (record !== undefined) await listener(record)
    })
  }

  /**
   * The pools: their sizes, which are those of each process that works on them, and how many of their tasks run here. Of one
   * that only other processes work on, the sizes are those that were set for all, or else those that this process was given.
   */
  pools(): PoolState[] {
    return Array.from(this.#catalog?.pools ?? [], (name) => this.#poolState(name))
  }

  /**
   * Changes the sizes of a pool while it works; what runs goes on to its end. They hold for each of the processes that share
   * the queue and work on the pool, those that start later, too; what is not given stays as it is in each.
   * @throws AFTERWORK_POOL_NOT_FOUND, AFTERWORK_BAD_OPTION
   */
  async resizePool(name: string, sizes: Resizing): Promise<PoolState> {
    this.#checkPool(name)
    const where = `pool ${name}`
    const given = checkKeys(sizes, ['minThreads', 'maxThreads', 'concurrency'], where) as Resizing
    const before = this.#sizesOf(name)
    const { minThreads } = resolvePool(given, before, where)
    // Fewer threads at most may mean fewer at least: a process that starts later is to have as many as the others.
    const set = minThreads === before.minThreads ? given : { ...given, minThreads }
    await this.#engine.resize?.(name, set)
    this.#resize(name, set, false)
    return this.#poolState(name)
  }

  /**
   * Starts no more tasks of a pool, whoever works on it, until resumePool(); what runs goes on.
   * @throws AFTERWORK_POOL_NOT_FOUND
   */
  async pausePool(name: string): Promise<PoolState> {
    this.#checkPool(name)
    await this.#engine.pause(name)
    this.#tellPaused(name, null, false)
    return this.#poolState(name)
  }

  /** Starts tasks of a paused pool again; throws AFTERWORK_POOL_NOT_FOUND. */
  async resumePool(name: string): Promise<PoolState> {
    this.#checkPool(name)
    await this.#dispatcher!.resume(name)
    this.#tellResumed(name, false)
    return this.#poolState(name)
  }

  /**
   * Loads the modules of the tasks anew, as after a deployment that changed nothing else: new threads take over, what
   * runs goes on to its end on the old ones. One after the other when called again. The tasks file is not read again on
   * the main thread, so new options, and new modules, need a restart. Before start() and after stop() it does nothing.
   * @returns the names of the tasks that came and that went
   * @throws AFTERWORK_TASKS_FILE when a module cannot be loaded; the threads are then the same as before
   */
  recycle(): Promise<{ added: string[]; removed: string[] }> {
    const turn = this.#recycling.then(() => this.#recycle())
    this.#recycling = turn.catch(() => {})
    return turn
  }

  on<K extends EventName>(name: K, listener: Listener<K>): this {
    this.#events.on(name, listener)
    return this
  }

  once<K extends EventName>(name: K, listener: Listener<K>): this {
    this.#events.once(name, listener)
    return this
  }

  off<K extends EventName>(name: K, listener: Listener<K>): this {
    this.#events.off(name, listener)
    return this
  }

  async #start(): Promise<void> {
    const found = await this.#parts.findTasks(this.#url)
    for (const name of this.#limited) checkName(name, found.names)
    const folder = this.#sharedFolder
    this.#known = {
      names: found.names,
      pools: [...this.#work, localPool],
      get files() {
        return folder?.seen ?? true
      },
    }
    await this.#engine.open(this.#known)
    await folder?.start()
    if (this.#stopping !== undefined) {
      throw new AfterworkError('AFTERWORK_STOPPED', 'stop() was called before start() had ended')
    }
    const catalog = { ...found, tasks: this.#url, pools: new Set(Object.keys(this.#sizes)) }
    this.#catalog = catalog
    for (const name of Object.keys(this.#sizes))
      if (this.#work.has(name)) this.#pools.set(name, this.#createPool(name, this.#sizesOf(name), catalog))
    const runners = [...this.#pools.values(), this.#local]
    this.#dispatcher = this.#parts.createDispatcher(this.#engine, runners, this.#events)
    this.#dispatcher.start()
    this.#intake.open(found.names, catalog.pools)
    this.#aftermath.begin()
    for (const name of this.#engine.sizes?.().keys() ?? [])
      if (catalog.pools.has(name)) this.#tellResized(name, true)
    this.#sweeper.start()
    this.#events.emit('afterwork.started', { at: this.#parts.clock.now(), tasks: found.names.size })
  }

  async #recycle(): Promise<{ added: string[]; removed: string[] }> {
    await this.#starting
    const before = this.#catalog
    const nothing = { added: [], removed: [] }
    if (before === undefined || this.#stopping !== undefined) return nothing
    const found = await this.#parts.findTasks(this.#url)
    // A pool that has stopped would never end the threads that it gets now.
    if (this.#stopping !== undefined) return nothing
    const catalog = (this.#catalog = { ...before, ...found })
    this.#known!.names = found.names
    for (const pool of this.#pools.values()) pool.recycle(catalog)
    this.#intake.open(catalog.names, catalog.pools)
    return { added: without(catalog.names, before.names), removed: without(before.names, catalog.names) }
  }

  async #stop(): Promise<void> {
    this.#intake.close()
    await this.#starting?.catch(() => {})
    this.#aftermath.begin()
    this.#sharedFolder?.stop()
    await this.#sweeper.stop()
    await this.#dispatcher?.stop(this.#drain)
    await this.#intake.undone()
    const left = this.#dispatcher === undefined ? 0 : await this.#left()
    await this.#engine.close()
    this.files.close()
    this.#events.emit('afterwork.stopped', { at: this.#parts.clock.now(), left })
  }

  /** How many tasks have not ended; 0 where the queue cannot say, which must not keep it from being closed. */
  async #left(): Promise<number> {
    try {
      const counters = await this.#engine.counters()
      return taskStates.reduce((sum, state) => sum + (hasEnded(state) ? 0 : counters[state]), 0)
    } catch (error) {
      this.#failed(error as Error, 'counting the tasks that are left')
      return 0
    }
  }

  /** Whether it is worked on here or not. */
  #checkPool(name: string): void {
    const known = this.#catalog?.pools ?? new Set()
    if (known.has(name)) return
    const hint = didYouMean(name, known)
    throw new AfterworkError('AFTERWORK_POOL_NOT_FOUND', `There is no pool ${name.slice(0, 64)}${hint}`)
  }

  #poolState(name: string): PoolState {
    const { minThreads, maxThreads, concurrency } = this.#sizesOf(name)
    const paused = this.#engine.paused().has(name)
    const running = this.#pools.get(name)?.state.running ?? 0
    return { name, minThreads, maxThreads, concurrency, paused, running }
  }

  /** Of a pool that does not run here they are what it would have. */
  #sizesOf(name: string): PoolSizes {
    const set = this.#engine.sizes?.().get(name) ?? {}
    return this.#pools.get(name)?.sizes ?? sizesWith(this.#sizes[name]!, set, `pool ${name}`)
  }

  /** Processes may share a queue and have different pools. */
  #resize(name: string, sizes: Resizing, elsewhere: boolean): void {
    if (this.#catalog?.pools.has(name) !== true) return
    const pool = this.#pools.get(name)
    // A pool that has stopped would never end the threads that it gets now.
    if (pool !== undefined && this.#stopping === undefined) {
      pool.resize(sizesWith(pool.sizes, sizes, `pool ${name}`))
      this.#dispatcher!.refill(name)
    }
    this.#tellResized(name, elsewhere)
  }

  #tellResized(pool: string, elsewhere: boolean): void {
    const { minThreads, maxThreads, concurrency } = this.#sizesOf(pool)
    const at = this.#parts.clock.now()
    this.#events.emit('pool.resized', { pool, at, minThreads, maxThreads, concurrency, elsewhere })
  }

  #tellPaused(pool: string, failure: Failure | null, elsewhere: boolean): void {
    if (this.#catalog?.pools.has(pool) !== true) return
    const reason = failure?.message ?? 'by hand'
    this.#events.emit('pool.paused', { pool, at: this.#parts.clock.now(), reason, failure, elsewhere })
  }

  #tellResumed(pool: string, elsewhere: boolean): void {
    if (this.#catalog?.pools.has(pool) !== true) return
    this.#events.emit('pool.resumed', { pool, at: this.#parts.clock.now(), elsewhere })
  }

  #shareFolder(): SharedFolder | undefined {
    const engine = this.#engine
    if (engine.agree === undefined) return undefined
    return new SharedFolder({
      store: this.files,
      agree: (value) => engine.agree!('folder', value),
      onError: (error) => this.#failed(error, 'looking for the folder of stored files'),
    })
  }

  #failed(error: Error, during: string): void {
    this.#events.emit('afterwork.error', { at: this.#parts.clock.now(), error, during })
  }

  #createPool(name: string, sizes: PoolSizes, catalog: Catalog): RunningPool {
    return this.#parts.createPool(name, sizes, catalog, {
      progress: (task, progress) => {
        this.#engine.progress(task.id, task.attempt, progress)
        const { id, attempt } = task
        this.#events.emit('task.progress', {
          id,
          name: task.name,
          pool: name,
          at: this.#parts.clock.now(),
          attempt,
          progress,
        })
      },
      log: ({ id, name: task, attempt }, level, message, fields) => {
        this.#events.emit('task.log', {
          id,
          name: task,
          pool: name,
          at: this.#parts.clock.now(),
          attempt,
          level,
          message,
          fields,
        })
      },
      error: (error) =>
        this.#events.emit('afterwork.error', {
          at: this.#parts.clock.now(),
          error,
          during: `running the threads of pool ${name}`,
        }),
    })
  }
}

function without(names: ReadonlySet<string>, others: ReadonlySet<string>): string[] {
  return [...names].filter((name) => !others.has(name))
}
