import { milliseconds, type Duration } from './duration.ts'

/** Global, because the package may be loaded twice in one thread. */
const steeringKey: unique symbol = Symbol.for('afterwork.steering')

/** What a task that failed asks for. */
export interface Steering {
  /** false: never again; a number: in that many milliseconds; undefined: as its options say. */
  retry: false | number | undefined
  /** Milliseconds that the next attempt waits at least, whatever the backoff says. */
  minWait?: number
  pausePool: boolean
}

/** How a task steers what follows its failure. */
export interface TaskErrorOptions {
  /** false: never again, whatever `retries` says; a duration: the next attempt after that long, if one is left. */
  retry?: false | Duration
  /** The least wait before the next attempt, such as a server's Retry-After; its backoff holds where that is longer. */
  minWait?: Duration
  /**
   * Pauses the pool of the task, for nothing else in it can succeed either, until an operator resumes it. Without `retry`
   * the task is queued again, and the attempt uses up none of its `retries`.
   */
  pausePool?: boolean
  /** A code of the task's own, shown with the error. */
  code?: string
  cause?: unknown
}

/**
 * An error with which a task steers its own retry.
 * @throws AFTERWORK_BAD_OPTION when `retry` or `minWait` is no duration
 * @example
 * throw new TaskError('the address does not exist', { retry: false, code: 'NO_SUCH_ADDRESS' })
 */
export class TaskError extends Error {
  override readonly name = 'TaskError'
  declare readonly code?: string
  readonly [steeringKey]: Steering

  constructor(message: string, { retry, minWait, pausePool = false, code, cause }: TaskErrorOptions = {}) {
    super(message, cause === undefined ? {} : { cause })
    if (code !== undefined) this.code = code
    const wait = retry === undefined || retry === false ? retry : milliseconds(retry, 'TaskError().retry')
    this[steeringKey] = {
      retry: wait,
      pausePool,
      ...(minWait === undefined ? {} : { minWait: milliseconds(minWait, 'TaskError().minWait') }),
    }
  }
}

/** What a thrown value asks for. */
export function steeringOf(thrown: unknown): Steering {
  const steering =
    typeof thrown === 'object' && thrown !== null ? (thrown as Partial<TaskError>)[steeringKey] : undefined
  return steering ?? { retry: undefined, pausePool: false }
}
