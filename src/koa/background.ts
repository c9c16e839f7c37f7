import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { AfterworkError, show } from '../core/errors.ts'
import type { Reference } from '../core/brand.ts'
import { defaults, resolveOptions, type OnEnded, type ResolvedOptions } from '../core/options.ts'
import { localPool, type LocalFunctions } from '../core/pool.ts'
import type { AddTask } from '../core/reference.ts'
import type { StoredFile } from '../core/stored-file.ts'
import type { Receipt } from '../core/receipt.ts'
import type { AddedTask, NewTask } from '../core/task.ts'
import type { Intake } from '../queue/intake.ts'

const storage = new AsyncLocalStorage<Background>()

/**
 * The background tasks of the current request, for code that has no `ctx`.
 * @throws AFTERWORK_NO_REQUEST outside a request
 */
export function background(): Background {
  const current = storage.getStore()
  if (current !== undefined) return current
  throw new AfterworkError(
    'AFTERWORK_NO_REQUEST',
    'background() was called outside a request; use `await afterwork.addTask(...)` there, and app.use(afterwork.middleware()) for requests',
  )
}

/** The response that the tasks of a request wait for. */
export interface ResponseState {
  /** Stores tasks, held until the response has closed. */
  hold(tasks: NewTask[]): Promise<void>
  /** Whether its headers went out, so that no commit can come before them any more. */
  begun(): boolean
}

/** The tasks that one request adds: collected by whoever handles it, committed together before the response. */
export class Background {
  readonly #intake: Intake
  readonly #local: LocalFunctions
  readonly #response: ResponseState
  /** The id of the first ordered task, which is that of their group: most requests add one task, and no more. */
  #group: string | undefined
  #tasks: NewTask[] = []
  #files: StoredFile[] = []
  /** What follows each of the tasks to come that has nothing of its own to follow it. */
  #onEnded: ResolvedOptions['onEnded'] = null
  /** What is stored with the tasks: the answer under the request's Idempotency-Key. */
  receipt: Receipt | undefined
  #settled: (() => void) | undefined
  #closed = false
  #committing: Promise<unknown> = Promise.resolve()

  constructor(intake: Intake, local: LocalFunctions, response: ResponseState) {
    this.#response = response
    this.#intake = intake
    this.#local = local
  }

  /**
   * Adds a task that starts after the response. Arguments are stored as they are now.
   * @throws AFTERWORK_BAD_VALUE, AFTERWORK_UNKNOWN_TASK, AFTERWORK_TOO_LATE, AFTERWORK_NOT_STARTED
   * @example
   * const { id } = ctx.background.addTask(tasks.files.processFile.with({ priority: 5 }), ctx.file)
   */
  readonly addTask: AddTask<AddedTask> = (task, ...args) =>
    this.#push(this.#intake.create(task, args, this.#group))

  /**
   * Adds a closure that runs after the response on the main loop, in its turn among the request's ordered tasks.
   * It lives in memory only and is neither retried nor kept over a restart; for work of the CPU use addTask.
   * @throws AFTERWORK_BAD_VALUE when the first argument is no function, AFTERWORK_TOO_LATE
   */
  addLocal<A extends unknown[]>(call: (...args: A) => unknown, ...args: A): AddedTask {
    if (typeof call !== 'function')
      throw new AfterworkError('AFTERWORK_BAD_VALUE', `addLocal(): Expected a function, got ${show(call)}`)
    const name = `${localPool}.${call.name || 'anonymous'}`
    const task = this.#intake.createRow(name, '[]', { ...defaults, pool: localPool }, [], this.#group)
    const added = this.#push(task)
    const bound = AsyncResource.bind(() => call(...args))
    this.#local.keep(task.id, () => bound())
    return added
  }

  /**
   * Gives the option `onEnded` to each task that this request adds from now on and that has none of its own: for
   * middleware, which does not know what the handlers behind it add.
   * @throws AFTERWORK_BAD_OPTION
   * @example
   * ctx.background.onEnded({ task: tasks.audit.note, args: [ctx.state.user.id] })
   */
  onEnded(then: Reference | OnEnded): void {
    this.#onEnded = resolveOptions({ onEnded: then }, defaults, 'background.onEnded()', 'call').onEnded
  }

  /**
   * Commits what was added so far, whatever the status will be, and keeps it: for responses that do not pass through
   * the middleware (`ctx.respond = false`) and for streams that begin early. More can be added until the next commit.
   * @throws AFTERWORK_QUEUE_FULL, AFTERWORK_QUEUE_FAILED; nothing is kept then
   */
  async commit(): Promise<void> {
    const tasks = this.#tasks
    this.#tasks = []
    if (tasks.length === 0) return
    const held = this.#response.hold(tasks)
    this.#committing = Promise.allSettled([this.#committing, held])
    await held
  }

  /** Resolves when every commit() has settled, awaited by the handler or not. */
  get committed(): Promise<unknown> {
    return this.#committing
  }

  /** Whether this collects for the app of that intake. */
  isOf(intake: Intake): boolean {
    return this.#intake === intake
  }

  /** Calls back once the tasks are stored, or will never be. */
  onceSettled(act: () => void): void {
    const before = this.#settled
    this.#settled = () => {
      before?.()
      act()
    }
  }

  /** The tasks are stored, or will never be. */
  settle(): void {
    this.#settled?.()
    this.#settled = undefined
  }

  /** Notes the files that the request brought, which go with it unless a task names them. */
  own(files: readonly StoredFile[]): void {
    this.#files.push(...files)
  }

  /** The files that the request brought. */
  get files(): readonly StoredFile[] {
    return this.#files
  }

  /** Collects what `handle` adds, wherever it adds it. */
  run<T>(handle: () => T): T {
    return storage.run(this, handle)
  }

  /** How many tasks wait to be committed. */
  get size(): number {
    return this.#tasks.length
  }

  /** No task can be added any more; gives those that were. */
  close(): NewTask[] {
    this.#closed = true
    const tasks = this.#tasks
    this.#tasks = []
    return tasks
  }

  #push(task: NewTask): AddedTask {
    if (!this.#closed && this.#response.begun()) {
      throw new AfterworkError(
        'AFTERWORK_TOO_LATE',
        `${task.name} was added after the response had begun; add it and \`await ctx.background.commit()\` before, or use \`await afterwork.addTask(...)\``,
      )
    }
    if (this.#closed) {
      throw new AfterworkError(
        'AFTERWORK_TOO_LATE',
        `${task.name} was added after the tasks of its request were committed; add it before the handler returns, or use \`await afterwork.addTask(...)\``,
      )
    }
    if (task.options.ordered) this.#group ??= task.id
    if (this.#onEnded !== null && task.options.onEnded === null)
      task = { ...task, options: { ...task.options, onEnded: this.#onEnded } }
    this.#tasks.push(task)
    return { id: task.id, name: task.name }
  }
}
