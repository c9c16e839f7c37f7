import { milliseconds, type Duration } from './duration.ts'

/** Global, because the package may be loaded twice in one thread. */
const retryKey: unique symbol = Symbol.for('afterwork.retry')

/** How a task steers what follows its failure. */
export interface TaskErrorOptions {
  /** false: never again, whatever `retries` says; a duration: the next attempt after that long, if one is left. */
  retry?: false | Duration
  /** A code of the task's own, shown with the error. */
  code?: string
  cause?: unknown
}

/**
 * An error with which a task steers its own retry.
 * @throws AFTERWORK_BAD_OPTION when `retry` is no duration
 * @example
 * throw new TaskError('the address does not exist', { retry: false, code: 'NO_SUCH_ADDRESS' })
 */
export class TaskError extends Error {
  override readonly name = 'TaskError'
  declare readonly code?: string
  /** false, or milliseconds; undefined leaves it to the task's options. */
  readonly [retryKey]: false | number | undefined

  constructor(message: string, { retry, code, cause }: TaskErrorOptions = {}) {
    super(message, cause === undefined ? {} : { cause })
    if (code !== undefined) this.code = code
    this[retryKey] = retry === undefined || retry === false ? retry : milliseconds(retry, 'TaskError().retry')
  }
}

/** What a thrown value says of its retry. */
export function retryOf(thrown: unknown): false | number | undefined {
  return typeof thrown === 'object' && thrown !== null ? (thrown as TaskError)[retryKey] : undefined
}
