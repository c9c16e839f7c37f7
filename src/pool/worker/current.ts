import { AsyncLocalStorage } from 'node:async_hooks'
import { parentPort } from 'node:worker_threads'
import { AfterworkError, badOption } from '../../core/errors.ts'
import type { LogLevel } from '../../core/events.ts'
import type { Failure } from '../../core/failure.ts'
import { newId } from '../../core/id.ts'
import { checkName, checkReference, type AddTask, type TaskReference } from '../../core/reference.ts'
import { storedFilesIn } from '../../core/stored-file.ts'
import type { AddedTask, NewTask } from '../../core/task.ts'
import { encodeArguments } from '../../core/value.ts'
import type { AttemptMessage, Catalog, Envelope } from '../envelope.ts'

/** Logs a line that names the task and the attempt. */
export type TaskLog = Record<LogLevel, (message: string, fields?: Record<string, unknown>) => void>

/** What a task can know and say about its own run. */
export interface CurrentTask {
  /** The id that addTask gave; empty outside a task. */
  readonly id: string
  /** Module and export, such as 'files.processFile'; empty outside a task. */
  readonly name: string
  /** 1 for the first attempt; 0 outside a task. */
  readonly attempt: number
  /** Aborted when the attempt should stop: it timed out, or the process stops. */
  readonly signal: AbortSignal
  /** Says how far the task is, from 0 to 1; shown at most ten times a second, the last one always. */
  readonly progress: (fraction: number, message?: string) => void
  readonly log: TaskLog
  /**
   * Adds a task that is committed in one transaction with the end of this one, succeeded or failed for good, as a
   * new group; an attempt that is made again adds it again.
   * @throws AFTERWORK_BAD_VALUE, AFTERWORK_UNKNOWN_TASK; outside a task it adds nothing
   */
  readonly addTask: AddTask<AddedTask>
}

const storage = new AsyncLocalStorage<RunningTask>()
const progressInterval = 100

/** One attempt, seen from inside its thread. Once ended it says nothing any more, whatever timers it left behind. */
export class RunningTask implements CurrentTask {
  readonly id: string
  readonly name: string
  readonly attempt: number
  readonly log: TaskLog = {
    debug: (message, fields) => this.#log('debug', message, fields),
    info: (message, fields) => this.#log('info', message, fields),
    warn: (message, fields) => this.#log('warn', message, fields),
    error: (message, fields) => this.#log('error', message, fields),
  }
  /** How many messages went out. */
  said = 0
  readonly #abort = new AbortController()
  #saidAt = -Infinity
  #unsaid: { fraction: number; message: string | null } | undefined
  #timer: NodeJS.Timeout | undefined
  #ended = false

  readonly followUps: NewTask[] = []
  readonly #catalog: Catalog
  readonly #group = newId()

  constructor({ id, name, attempt }: Envelope, catalog: Catalog) {
    this.#catalog = catalog
    this.id = id
    this.name = name
    this.attempt = attempt
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Bound, for tasks take it out of currentTask(). */
  readonly progress = (fraction: number, message?: string): void => {
    if (this.#ended) return
    const bounded = Math.min(Math.max(Number(fraction) || 0, 0), 1)
    this.#unsaid = { fraction: bounded, message: message === undefined ? null : String(message) }
    const wait = this.#saidAt + progressInterval - performance.now()
    if (wait <= 0) this.#sayProgress()
    else this.#timer ??= setTimeout(() => this.#sayProgress(), wait).unref()
  }

  readonly addTask: AddTask<AddedTask> = (task, ...args) => {
    const { tasks, names, pools } = this.#catalog
    if (this.#ended)
      throw new AfterworkError('AFTERWORK_TOO_LATE', `${this.name} added a task after it had ended`)
    checkReference(task, tasks)
    const { name, options } = task
    checkName(name, names)
    if (!pools.has(options.pool))
      throw badOption(`${name}.pool`, `one of the pools ${[...pools].join(', ')}`, options.pool)
    const id = newId()
    const group = options.ordered ? this.#group : id
    this.followUps.push({
      id,
      name,
      args: encodeArguments(args, name),
      files: storedFilesIn(args),
      group,
      options,
    })
    return { id, name }
  }

  /** `first` when nothing ran on the thread before. */
  start(thread: number, first: boolean): void {
    const { id, attempt } = this
    this.#say({ type: 'started', id, attempt, thread, first, at: Date.now() })
  }

  run<T>(work: () => T): T {
    return storage.run(this, work)
  }

  stop(reason: Error): void {
    this.#abort.abort(reason)
  }

  end(): void {
    if (this.#unsaid !== undefined) this.#sayProgress()
    clearTimeout(this.#timer)
    this.#ended = true
  }

  /** Tells the main thread, last thing, that this attempt ends its thread. */
  endThread(failure: Failure): void {
    if (!this.#ended) this.#say({ type: 'ending', id: this.id, attempt: this.attempt, failure })
  }

  get ended(): boolean {
    return this.#ended
  }

  #sayProgress(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#unsaid === undefined || this.#ended) return
    this.#saidAt = performance.now()
    this.#say({ type: 'progress', id: this.id, attempt: this.attempt, progress: this.#unsaid })
    this.#unsaid = undefined
  }

  #log(level: LogLevel, message: string, fields: Record<string, unknown> = {}): void {
    if (this.#ended) return
    const { id, attempt } = this
    try {
      this.#say({ type: 'log', id, attempt, level, message: String(message), fields })
    } catch {
      this.#say({
        type: 'log',
        id,
        attempt,
        level,
        message: String(message),
        fields: { fields: 'cannot be cloned' },
      })
    }
  }

  /** Posts to the main thread; Piscina passes on what it does not know as its 'message' event. */
  #say(message: AttemptMessage): void {
    parentPort?.postMessage(message)
    this.said++
  }
}

const nowhere: CurrentTask = {
  id: '',
  name: '',
  attempt: 0,
  signal: new AbortController().signal,
  progress: () => {},
  log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  addTask: ((task: TaskReference) => ({ id: '', name: task.name })) as AddTask<AddedTask>,
}

/** The attempt in whose course this code runs, also once it has ended. */
export function runningTask(): RunningTask | undefined {
  return storage.getStore()
}

/**
 * The task that is running: its id, attempt, abort signal, progress and log. Outside a task, as in a unit test that
 * calls the function directly, harmless no-ops.
 * @example
 * const { signal, progress } = currentTask()
 * for (const [index, row] of rows.entries()) {
 *   signal.throwIfAborted()
 *   await handle(row)
 *   progress((index + 1) / rows.length)
 * }
 */
export function currentTask(): CurrentTask {
  return storage.getStore() ?? nowhere
}
