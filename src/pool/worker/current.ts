import { AsyncLocalStorage } from 'node:async_hooks'
import { parentPort } from 'node:worker_threads'
import { refuseClient } from '../../core/client.ts'
import { AfterworkError, badOption } from '../../core/errors.ts'
import type { LogLevel } from '../../core/events.ts'
import type { Failure } from '../../core/failure.ts'
import { newId } from '../../core/id.ts'
import { checkName, checkReference, type AddTask, type TaskReference } from '../../core/reference.ts'
import { storedFilesIn } from '../../core/stored-file.ts'
import type { AddedTask, NewTask } from '../../core/task.ts'
import { encodeArguments } from '../../core/value.ts'
import type { AttemptMessage, AttemptNews, Catalog, Envelope } from '../envelope.ts'
import { RunningProgress } from './progress.ts'

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

/** Takes what an attempt says. */
type Send = (message: AttemptMessage) => void

/** Piscina passes on what it does not know as its 'message' event. */
const toMainThread: Send = (message) => parentPort?.postMessage(message)

/**
 * One attempt, seen from inside its thread. Once ended it says nothing any more, whatever timers it left behind.
 * What not every task asks for is made when it does, and is bound, for tasks take it out of currentTask().
 */
export class RunningTask implements CurrentTask {
  readonly id: string
  readonly name: string
  readonly attempt: number
  /** Its row on the board, or -1 in a unit test, which has none. */
  readonly row: number
  /** How many messages went out. */
  said = 0
  ended = false
  /** The tasks that it added. */
  followUps: NewTask[] | undefined
  readonly #catalog: Catalog
  readonly #send: Send
  #abort: AbortController | undefined
  #log: TaskLog | undefined
  #progress: RunningProgress | undefined
  #group: string | undefined

  constructor(
    { id, name, attempt }: Omit<Envelope, 'row'>,
    catalog: Catalog,
    row = -1,
    send: Send = toMainThread,
  ) {
    this.id = id
    this.name = name
    this.attempt = attempt
    this.row = row
    this.#catalog = catalog
    this.#send = send
  }

  get signal(): AbortSignal {
    return (this.#abort ??= new AbortController()).signal
  }

  get progress(): CurrentTask['progress'] {
    this.#progress ??= new RunningProgress((progress) => this.#say({ type: 'progress', progress }))
    return this.#progress.set
  }

  get log(): TaskLog {
    this.#log ??= {
      debug: (message, fields) => this.#sayLine('debug', message, fields),
      info: (message, fields) => this.#sayLine('info', message, fields),
      warn: (message, fields) => this.#sayLine('warn', message, fields),
      error: (message, fields) => this.#sayLine('error', message, fields),
    }
    return this.#log
  }

  get addTask(): AddTask<AddedTask> {
    return (task, ...args) => this.#add(task, args)
  }

  /** Calls what it is to run, in whose course it is the current one. */
  run<A extends unknown[], T>(work: (...args: A) => T, ...args: A): T {
    return storage.run(this, work, ...args)
  }

  stop(reason: Error): void {
    this.#abort ??= new AbortController()
    this.#abort.abort(reason)
  }

  end(): void {
    this.#progress?.flush()
    this.ended = true
  }

  /** Tells the main thread, last thing, that this attempt ends its thread. */
  endThread(failure: Failure): void {
    this.#say({ type: 'ending', failure })
  }

  #add(task: TaskReference, args: unknown[]): AddedTask {
    const { tasks, names, pools } = this.#catalog
    if (this.ended)
      throw new AfterworkError('AFTERWORK_TOO_LATE', `${this.name} added a task after it had ended`)
    checkReference(task, tasks)
    refuseClient(task, 'currentTask().addTask(), which adds to the transaction of its own outcome')
    const { name, options } = task
    checkName(name, names)
    if (!pools.has(options.pool))
      throw badOption(`${name}.pool`, `one of the pools ${[...pools].join(', ')}`, options.pool)
    const id = newId()
    const group = options.ordered ? (this.#group ??= newId()) : id
    const added = { id, name, args: encodeArguments(args, name), files: storedFilesIn(args), group, options }
    this.followUps ??= []
    this.followUps.push(added)
    return { id, name }
  }

  #sayLine(level: LogLevel, message: string, fields: Record<string, unknown> = {}): void {
    const line = { type: 'log', level, message: String(message) } as const
    try {
      this.#say({ ...line, fields })
    } catch {
      this.#say({ ...line, fields: { fields: 'cannot be cloned' } })
    }
  }

  #say(what: AttemptNews): void {
    if (this.ended) return
    const { row, id, attempt } = this
    this.#send({ row, id, attempt, ...what })
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
