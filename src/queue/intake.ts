import { clientOf, refuseClient, type TransactionClient } from '../core/client.ts'
import { AfterworkError } from '../core/errors.ts'
import type { Events } from '../core/events.ts'
import { newId } from '../core/id.ts'
import type { ResolvedOptions } from '../core/options.ts'
import { checkName, checkReference, type TaskReference } from '../core/reference.ts'
import { storedFilesIn } from '../core/stored-file.ts'
import type { Receipt } from '../core/receipt.ts'
import type { NewTask } from '../core/task.ts'
import { encodeArguments } from '../core/value.ts'
import type { AddOptions, Queue } from './queue.ts'

/** A commit that goes on. */
interface Commit {
  tasks: readonly NewTask[]
  receipt: Receipt | undefined
  added: Promise<void>
  reject(error: AfterworkError): void
  /** Milliseconds of the monotonic clock. */
  since: number
}

/** Where tasks come in: checks what is added, commits it, and tells of it. */
export class Intake {
  readonly #queue: Queue
  readonly #events: Events
  readonly #url: string
  /** How long a commit may take, in milliseconds. */
  readonly #timeout: number
  readonly #filesAreShared: () => Promise<void>
  /** Commits that go on, oldest first. */
  readonly #commits = new Set<Commit>()
  #watch: NodeJS.Timeout | undefined
  /** Commits that came too late, being undone. */
  readonly #undoing = new Set<Promise<void>>()
  /** Names of all tasks and pools; null while nothing may be added. */
  #open: { names: ReadonlySet<string>; pools: ReadonlySet<string> } | null = null
  #stopped = false
  #told = false

  /** `filesAreShared` throws where those who may run a task would not find the stored files that it names. */
  constructor(
    queue: Queue,
    events: Events,
    url: string,
    timeout: number,
    filesAreShared: () => Promise<void> = async () => {},
  ) {
    this.#timeout = timeout
    this.#filesAreShared = filesAreShared
    this.#queue = queue
    this.#events = events
    this.#url = url
  }

  open(names: ReadonlySet<string>, pools: ReadonlySet<string>): void {
    this.#open = { names, pools }
  }

  close(): void {
    this.#open = null
    this.#stopped = true
  }

  /**
   * A task as the queue takes it; ordered ones go into `group`, the others into a group of their own.
   * @throws AFTERWORK_NOT_STARTED, AFTERWORK_STOPPED, AFTERWORK_BAD_TASK, AFTERWORK_UNKNOWN_TASK, AFTERWORK_BAD_VALUE,
   *   AFTERWORK_BAD_OPTION
   */
  create(reference: unknown, args: readonly unknown[], group: string | undefined): NewTask {
    const checked = this.#check(reference)
    refuseClient(checked, 'ctx.background.addTask()')
    return this.#taskOf(checked, args, group)
  }

  /**
   * Adds a task outside a request, in a group of its own; resolves once it is committed, or is part of the transaction of its
   * client, which nobody is told of, for it may be rolled back.
   * @throws whatever create() and commit() throw; the errors of the client as they are
   */
  async add(reference: unknown, args: readonly unknown[]): Promise<NewTask> {
    const checked = this.#check(reference)
    const task = this.#taskOf(checked, args, undefined)
    const client = clientOf(checked)
    if (client === undefined) await this.commit([task], { held: false })
    else await this.#addWithin(task, client)
    return task
  }

  /** Likewise, without checks: for what the library itself adds. */
  createRow(
    name: string,
    args: string,
    options: ResolvedOptions,
    files: NewTask['files'],
    group: string | undefined,
  ): NewTask {
    this.#checkOpen()
    const id = newId()
    return { id, name, args, options, files, group: options.ordered && group !== undefined ? group : id }
  }

  /**
   * Stores all or none.
   * @throws AFTERWORK_QUEUE_FULL; AFTERWORK_QUEUE_TIMEOUT, and what is stored after all is removed again; anything else
   * as the cause of AFTERWORK_QUEUE_FAILED
   */
  async commit(
    tasks: readonly NewTask[],
    { held, receipt }: Pick<AddOptions, 'held' | 'receipt'>,
  ): Promise<void> {
    this.#checkOpen()
    if (tasks.some(hasFiles)) await this.#filesAreShared()
    // So that what is stored too late can be removed before it begins.
    const holds = held || this.#queue.discardsUnheld !== true
    await this.#inTime(tasks, receipt, holds)
    if (this.#events.has('task.added')) {
      for (const task of tasks) this.#events.emit('task.added', { ...told(task), held })
    }
    // They are stored: who adds them need not wait until they may start.
    if (!held && holds)
      this.#queue
        .release(ids(tasks))
        .catch((error: unknown) => this.#failed(error, 'releasing tasks that were added'))
  }

  /** Resolves when what was stored too late is removed again. */
  async undone(): Promise<void> {
    await Promise.all(this.#undoing)
  }

  async #addWithin(task: NewTask, client: TransactionClient): Promise<void> {
    if (this.#queue.addWithin === undefined) {
      throw new AfterworkError(
        'AFTERWORK_BAD_OPTION',
        `${task.name}.with({ client }): Expected a queue in PostgreSQL (postgres://...), whose tasks can be part of a transaction, got another one`,
      )
    }
    if (hasFiles(task)) await this.#filesAreShared()
    await this.#queue.addWithin(task, client)
  }

  #check(reference: unknown): TaskReference {
    const { names, pools } = this.#checkOpen()
    checkReference(reference, this.#url)
    const { name, options } = reference
    checkName(name, names)
    if (pools.has(options.pool)) return reference
    throw new AfterworkError(
      'AFTERWORK_BAD_OPTION',
      `${name}: Expected one of the pools ${[...pools].join(', ')}, got ${options.pool}`,
    )
  }

  #taskOf({ name, options }: TaskReference, args: readonly unknown[], group: string | undefined): NewTask {
    return this.createRow(name, encodeArguments(args, name), options, storedFilesIn(args), group)
  }

  /** Held, until it is known that they are stored in time. */
  #inTime(tasks: readonly NewTask[], receipt: Receipt | undefined, held: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const added = this.#queue.add(tasks, { held, receipt })
      const commit = { tasks, receipt, added, reject, since: performance.now() }
      this.#commits.add(commit)
      this.#watch ??= setInterval(() => this.#look(), Math.min(this.#timeout / 4, 500)).unref()
      added.then(
        () => {
          this.#commits.delete(commit)
          resolve()
        },
        (cause: unknown) => {
          this.#commits.delete(commit)
          reject(cause instanceof AfterworkError ? cause : notStored(cause))
        },
      )
    })
  }

  /** One timer for all commits: most take a millisecond, and one each would cost more than the rest of them. */
  #look(): void {
    const now = performance.now()
    for (const commit of this.#commits) {
      if (now - commit.since < this.#timeout) break
      this.#commits.delete(commit)
      this.#undo(commit)
      const message = `The queue did not answer within ${this.#timeout} ms; try again later`
      commit.reject(new AfterworkError('AFTERWORK_QUEUE_TIMEOUT', message))
    }
    if (this.#commits.size > 0) return
    clearInterval(this.#watch)
    this.#watch = undefined
  }

  #undo({ tasks, receipt, added }: Commit): void {
    const undoing = added
      .then(
        () => this.#queue.discard(ids(tasks), receipt?.key),
        // Nothing was stored.
        () => {},
      )
      .catch((error: unknown) => this.#failed(error, 'removing tasks that were stored too late'))
      .finally(() => this.#undoing.delete(undoing))
    this.#undoing.add(undoing)
  }

  /** The response has closed: lets held tasks start. */
  release(tasks: readonly NewTask[]): Promise<void> {
    if (this.#events.has('task.released')) {
      for (const task of tasks) this.#events.emit('task.released', told(task))
    }
    return this.#queue.release(ids(tasks))
  }

  /** Tells of tasks that are thrown away before they were committed. */
  drop(tasks: readonly NewTask[], reason: string): void {
    for (const task of tasks) this.#events.emit('task.dropped', { ...told(task), reason })
  }

  /** A client is told that it may try again; whoever forgot start() reads the log. */
  #tellOnce(error: AfterworkError): void {
    if (this.#told) return
    this.#told = true
    this.#events.emit('afterwork.error', { at: Date.now(), error, during: 'adding a task' })
  }

  #failed(error: unknown, during: string): void {
    this.#events.emit('afterwork.error', { at: Date.now(), error: error as Error, during })
  }

  #checkOpen(): { names: ReadonlySet<string>; pools: ReadonlySet<string> } {
    if (this.#open !== null) return this.#open
    if (this.#stopped) throw new AfterworkError('AFTERWORK_STOPPED', 'Tasks cannot be added after stop()')
    const error = new AfterworkError(
      'AFTERWORK_NOT_STARTED',
      'Tasks cannot be added before start(); call `await afterwork.start()` before app.listen()',
    )
    this.#tellOnce(error)
    throw error
  }
}

function notStored(cause: unknown): AfterworkError {
  return new AfterworkError('AFTERWORK_QUEUE_FAILED', 'The tasks could not be stored; try again later', {
    cause,
  })
}

function hasFiles({ files }: NewTask): boolean {
  return files.length > 0
}

function ids(tasks: readonly NewTask[]): string[] {
  return tasks.map(({ id }) => id)
}

function told({ id, name, options }: NewTask): { id: string; name: string; pool: string; at: number } {
  return { id, name, pool: options.pool, at: Date.now() }
}
