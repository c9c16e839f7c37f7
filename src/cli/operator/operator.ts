import type { AttemptState } from '../../core/attempt.ts'
import type { Failure } from '../../core/failure.ts'
import type { PoolState } from '../../core/pool.ts'
import type { Progress, TaskState } from '../../core/task.ts'

/** An attempt that did not end well; `startedAt` and `endedAt` are ISO dates. */
export interface ShownAttempt {
  attempt: number
  state: AttemptState
  startedAt: string | null
  endedAt: string
  process: { host: string; pid: number } | null
  error: Pick<Failure, 'name' | 'message' | 'code'> | null
}

/** A task as `GET /tasks` shows it, and as it is shown from the file, too. */
export interface ShownTask {
  id: string
  name: string
  state: TaskState
  /** 0 until it first runs. */
  attempt: number
  progress: Progress | null
  arguments?: unknown
  result: unknown
  error: Failure | null
  /** Where the queue keeps a log of them, and there are some. */
  attempts?: ShownAttempt[]
  /** ISO dates. */
  addedAt: string
  startedAt: string | null
  endedAt: string | null
}

/** What only the queue itself tells of a task. */
export interface TaskDetails {
  pool: string
  priority: number
  group: string
  /** When a scheduled task is due, as ISO date. */
  runAt: string | null
  /** With the stacks. */
  error: Failure | null
}

/** Which tasks: all conditions hold, newest first, older than the task `cursor`. */
export interface Filter {
  state?: TaskState
  name?: string
  cursor?: string
  limit: number
}

/** Some tasks, and the cursor of those that come after them. */
export interface Page {
  tasks: ShownTask[]
  next: string | null
}

/** How many tasks are in each state, and since when the oldest waits, as ISO date. */
export interface Stats {
  counts: Record<TaskState, number>
  oldestAddedAt: string | null
}

export type Action = 'retry' | 'cancel' | 'purge'

/** What became of one task: the state it is in then, null where it is gone; or why not. */
export type Changed =
  | { id: string; done: true; state: TaskState | null }
  | { id: string; done: false; code: string; message: string }

/** A pool as it is shown: of a queue that several processes share, with how many work on it. */
export interface ShownPool extends Pick<PoolState, 'name' | 'paused' | 'running'> {
  /** Sizes; null where each process has its own. */
  minThreads: number | null
  maxThreads: number | null
  concurrency: number | null
  processes?: number
}

/** What a pool may be resized to. */
export interface Sizes {
  minThreads?: number
  maxThreads?: number
  concurrency?: number
}

/** What the command line can ask and do: over HTTP where a service runs, of the queue itself where none does. */
export interface Operator {
  /** Whom it asks, for a person to read: a URL or a file. */
  readonly source: string
  /** One that waits for an answer gives up after seconds, with AFTERWORK_NO_SERVICE. */
  list(filter: Filter): Promise<Page>
  /** @throws AFTERWORK_TASK_NOT_FOUND */
  get(id: string): Promise<ShownTask>
  /** Does it to each of the tasks, and tells what became of it, in their order. */
  change(action: Action, ids: readonly string[]): Promise<Changed[]>
  stats(): Promise<Stats>
  /** @throws AFTERWORK_NO_SERVICE where there is only a file: pools are threads of a process */
  pools(): Promise<ShownPool[]>
  /** @throws AFTERWORK_POOL_NOT_FOUND, AFTERWORK_NO_SERVICE */
  switchPool(name: string, action: 'pause' | 'resume'): Promise<ShownPool>
  /** @throws AFTERWORK_BAD_OPTION, AFTERWORK_POOL_NOT_FOUND, AFTERWORK_NO_SERVICE */
  resizePool(name: string, sizes: Sizes): Promise<ShownPool>
  close(): void | Promise<void>
}

/** One that asks the queue itself, its file or its database, which knows more than the service tells. */
export interface DirectOperator extends Operator {
  /** @throws AFTERWORK_TASK_NOT_FOUND */
  details(id: string): Promise<TaskDetails>
  /** How many tasks were added and have ended so far: numbers that only grow, from which rates can be told. */
  flow(): Promise<{ added: number; ended: number }>
}

/** Whether it asks the queue itself. */
export function isDirect(operator: Operator): operator is DirectOperator {
  return 'details' in operator
}
