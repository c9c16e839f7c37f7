import type { AttemptRecord } from '../core/attempt.ts'
import type { TransactionClient } from '../core/client.ts'
import type { Failure } from '../core/failure.ts'
import type { Resizing } from '../core/pool.ts'
import type { Receipt } from '../core/receipt.ts'
import type { StoredFile } from '../core/stored-file.ts'
import type { ClaimedTask, NewTask, Progress, TaskRecord, TaskState } from '../core/task.ts'
import type { TaskLimits } from './limits.ts'

/** What becomes of a running task when its attempt has ended. */
export type Settlement =
  | { state: 'succeeded'; at: number; result: string | null }
  | { state: 'failed'; at: number; failure: Failure }
  /** Run again at `runAt`; one of its retries is used up. */
  | { state: 'scheduled'; at: number; failure: Failure; runAt: number }
  /** Run again at once, charged nothing; a suspect runs alone. */
  | { state: 'queued'; at: number; failure: Failure; suspect?: boolean }
  | { state: 'cancelled'; at: number; failure: Failure }

/** What an engine gives at once where it can: a turn of the loop for each small task would cost more than the task. */
export type MaybePromise<T> = T | Promise<T>

/** How tasks are added. */
export interface AddOptions {
  /** They wait for release(). */
  held: boolean
  /** Past the bounds, too: follow-ups. */
  unbounded?: boolean
  /** Stored with them, or alone where there are none. */
  receipt?: Receipt | undefined
}

/** Where tasks wait. A promise resolves once the engine has the change for good; when it rejects nothing has changed. */
export interface Queue {
  /** Whether tasks that nothing holds may be added so and still be discarded, unless they have begun. */
  readonly discardsUnheld?: boolean
  /**
   * Stores all of them or none.
   * @throws AFTERWORK_QUEUE_FULL past the bounds; AFTERWORK_CONFLICT where there is a receipt with that key
   */
  add(tasks: readonly NewTask[], options: AddOptions): Promise<void>
  /**
   * Adds a task, in a group of its own, within a transaction of the caller's own, by whose commit it may start. Only engines
   * whose tasks are in a database can.
   * @throws AFTERWORK_QUEUE_FULL; AFTERWORK_BAD_OPTION where no transaction is open, or in another database; the errors
   *   of the client as they are
   */
  addWithin?(task: NewTask, client: TransactionClient): Promise<void>
  /**
   * Removes held tasks as though they had never been added: whoever added them was told that they could not be stored.
   * One that others share meanwhile, through its unique key, stays. So goes the receipt that was stored with them.
   */
  discard(ids: readonly string[], receiptKey?: string): Promise<void>
  /** Lets held tasks start; ids that are unknown or not held are passed over. */
  release(ids: readonly string[]): Promise<void>
  /**
   * Takes the tasks whose turn it is, highest priority first, then oldest first, until `slots` are filled: a task
   * fills one, up to 64 with the option `batch` share one.
   * A claimed task is nobody else's until it is started and recorded, or given back.
   */
  claim(pool: string, slots: number): MaybePromise<ClaimedTask[]>
  /**
   * Takes the next task of these pools that ran when a process crashed, which it may have been the reason of; undefined
   * when there is none left. Whoever asks for them here is not given them by claim().
   */
  claimSuspect(pools: Iterable<string>): Promise<ClaimedTask | undefined>
  /**
   * Records that the claimed tasks run from now on, each with one attempt more; gives the ids of those that do, for
   * one may have been cancelled meanwhile. `alone` when no other task runs in the process.
   */
  start(ids: readonly string[], at: number, alone?: boolean): MaybePromise<readonly string[]>
  /** Gives back claimed tasks that were not started. */
  giveBack(ids: readonly string[]): Promise<void>
  /** Records how an attempt ended, and its follow-ups, as one; false if that attempt is not running any more. */
  record(
    id: string,
    attempt: number,
    settlement: Settlement,
    followUps?: readonly NewTask[],
  ): Promise<boolean>
  /** Notes how far a running attempt is; passed over if that attempt is not running any more. */
  progress(id: string, attempt: number, progress: Progress): void
  /** Calls back, in a later turn of the loop, whenever tasks of a pool may have become claimable. */
  onClaimable(listener: (pool: string) => void): void
  /** Calls back when a process has died whose tasks claimSuspect() gives from then on. */
  onSuspect(listener: () => void): void
  /** Calls back when the engine failed at something that nobody waits for, and goes on. */
  onError(listener: (error: Error, during: string) => void): void
  close(): Promise<void>
}

/** Which tasks to list: all conditions hold, newest first, older than the task `cursor`. */
export interface ListFilter {
  state?: TaskState
  name?: string
  cursor?: string
  limit: number
}

/** A stored file as the tasks that name it know it. */
export interface FileUse {
  file: StoredFile
  /** Whether a task that has not ended, or a failed one, names it. */
  inUse: boolean
  /** When the last of its tasks ended; null while one has not. */
  endedAt: number | null
}

/** What can be asked of the tasks, at no cost to their dispatch. */
export interface Records {
  get(id: string): Promise<TaskRecord | undefined>
  list(filter: ListFilter): Promise<TaskRecord[]>
  /** How many tasks are in each state; counters are kept, never counted. */
  counters(): Promise<Record<TaskState, number>>
  file(id: string): Promise<FileUse | undefined>
  /** When the oldest of the tasks that could run by now was added; null when there is none. */
  oldest(): Promise<number | null>
  /** What is kept under the key of a receipt, unless its time is over. */
  receipt(key: string): Promise<Pick<Receipt, 'fingerprint' | 'answer'> | undefined>
  /**
   * Calls `changed` whenever another process may have changed the task, until the function it gives back is called. Engines
   * of one process have no others.
   */
  watch?(id: string, changed: () => void): () => void
  /**
   * The attempts of a task that did not end well, oldest first: the last 100, for as long as the task is remembered. Engines
   * that keep no log of them cannot be asked.
   */
  attempts?(id: string): Promise<AttemptRecord[]>
}

/** What an engine tells those who work on its tasks. */
export interface Subscriber {
  /** A running task is to be cancelled. */
  cancel(id: string, attempt: number): void
  /** A task that did not run was cancelled. */
  cancelled(record: TaskRecord): void
  /** A task was added that nobody's addTask() made: the `onEnded` of another. */
  added(record: TaskRecord): void
  /** A task has ended with a process that died, failed or cancelled; only one of those that share the queue is told. */
  lost?(record: TaskRecord): void
  /** Another process has paused a pool; `failure` is that of the task that asked for it, null by hand. */
  paused?(pool: string, failure: Failure | null): void
  /** Another process has resumed a pool. */
  resumed?(pool: string): void
  /** Another process has set the sizes of a pool, for all processes. */
  resized?(pool: string, sizes: Resizing): void
}

/** What an operator can do to tasks and pools. */
export interface Controls {
  /**
   * Cancels a task: one that waits has ended at once, one that runs is asked to. Gives the record as it then is.
   * @throws AFTERWORK_TASK_NOT_FOUND, AFTERWORK_CONFLICT when it has ended
   */
  cancel(id: string, at: number): Promise<TaskRecord>
  /**
   * Runs a failed or cancelled task again, with a fresh budget of `retries`; it waits for nobody.
   * @throws AFTERWORK_TASK_NOT_FOUND, AFTERWORK_CONFLICT when it has not failed, or another has its unique key
   */
  retry(id: string): Promise<TaskRecord>
  /**
   * Forgets a task that has ended.
   * @throws AFTERWORK_TASK_NOT_FOUND, AFTERWORK_CONFLICT when it has not ended
   */
  purge(id: string): Promise<void>
  /** No task of the pool can be claimed until resume(); `failure` is that of the task that asked for it. */
  pause(pool: string, failure?: Failure): Promise<void>
  resume(pool: string): Promise<void>
  /** The pools that are paused. */
  paused(): ReadonlySet<string>
  /** Sets sizes of a pool for all processes, those that start later, too. Engines of one process have nobody to tell. */
  resize?(pool: string, sizes: Resizing): Promise<void>
  /** The sizes that were set for all processes, by pool. */
  sizes?(): ReadonlyMap<string, Resizing>
  subscribe(subscriber: Subscriber): void
}

/** What a process can do for the tasks of a queue that others work on, too. */
export interface Known {
  /** Tasks that it can run; it leaves others to processes that know them. Changes when modules are loaded anew. */
  names: ReadonlySet<string>
  /** Pools that it works on. */
  pools: readonly string[]
  /** Whether it has the stored files at hand; if not, it leaves tasks that name one. Changes as the folder comes and goes. */
  readonly files: boolean
}

/** What every engine is. */
export interface Engine extends Queue, Records, Controls {
  /**
   * What the processes that share the queue agree on under a key: who gives a value first decides. Without one it is only
   * asked. Engines of one process have nobody to agree with.
   */
  agree?(key: string, value?: string): Promise<string | undefined>
  /**
   * Opens the queue, and recovers what an earlier process left in it; nothing else may be asked before.
   * @throws AFTERWORK_QUEUE_IN_USE, AFTERWORK_QUEUE_UNUSABLE, AFTERWORK_QUEUE_CORRUPT
   */
  open(known?: Known): Promise<void>
}

/** How much may wait, and go on. */
export interface QueueBounds {
  /** Tasks that have not ended. */
  maxTasks: number
  /** Bytes of their arguments. */
  maxBytes: number
  /** How many of a name run at a time and how often they start, where that is not left to their definitions. */
  limits?: TaskLimits
}

/** How many ended tasks are remembered, each for its `keepResult` at most; the oldest leave first. */
export interface Retention {
  tasks: number
}
