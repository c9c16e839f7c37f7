/** Every code an error of ours can carry, with the sentence that docs/errors.md gives it. */
export const errorCodes = {
  AFTERWORK_BAD_OPTION: 'An option is unknown, has the wrong type, or contradicts another one.',
  AFTERWORK_BAD_VALUE: 'An argument or result cannot be stored.',
  AFTERWORK_BAD_TASK:
    'What was given is not a reference from the defineTasks() that this app was created with.',
  AFTERWORK_UNKNOWN_TASK: 'The module exports no function of that name.',
  AFTERWORK_TASKS_FILE: 'The tasks file or one of its modules cannot be loaded in a worker.',
  AFTERWORK_PACKAGE_MISSING: 'A package that this needs, and that is not always needed, is not installed.',
  AFTERWORK_NOT_STARTED: 'A task was added before start().',
  AFTERWORK_STOPPED: 'A task was added after stop().',
  AFTERWORK_NO_REQUEST: 'background() was called outside a request.',
  AFTERWORK_TOO_LATE: 'A task was added to a request whose tasks are already committed.',
  AFTERWORK_QUEUE_FULL: 'The queue holds as many tasks or bytes as it may.',
  AFTERWORK_DISK_FULL: 'There is no room for an uploaded file; nothing of it was kept.',
  AFTERWORK_FILES_NOT_SHARED:
    'The folder of stored files is not the one that the other processes of the queue have.',
  AFTERWORK_QUEUE_FAILED: 'The queue could not be asked, or could not store the tasks; nothing was kept.',
  AFTERWORK_QUEUE_TIMEOUT: 'The queue did not answer in time; what it stores after all is removed again.',
  AFTERWORK_QUEUE_IN_USE:
    'Another process works on the file of the queue, or moves another one into its database.',
  AFTERWORK_QUEUE_UNUSABLE:
    'The file or database of the queue cannot be used, belongs to something else or another version, or was moved.',
  AFTERWORK_QUEUE_CORRUPT: 'The file of the queue is damaged; it was left as it is.',
  AFTERWORK_TASK_NOT_FOUND: 'No task has that id.',
  AFTERWORK_POOL_NOT_FOUND: 'No pool has that name, or none that this process works on.',
  AFTERWORK_CONFLICT: 'The task is in no state in which this can be done.',
  AFTERWORK_CANCELLED: 'The task was cancelled.',
  AFTERWORK_PREDECESSOR_FAILED:
    'An earlier task of the request did not succeed, and this one runs only if it does.',
  AFTERWORK_INTERRUPTED: 'An at-most-once task lost its thread or process after it had started.',
  AFTERWORK_CRASHED_PROCESS:
    'The task ran, alone in its process, at three crashes in a row; it is not run again by itself.',
  AFTERWORK_TIMED_OUT: 'The attempt took longer than its timeout.',
  AFTERWORK_STOPPING: 'The process is stopping; the task is queued again.',
  AFTERWORK_WORKER_EXITED: 'The task ended its own thread, by process.exit() or a crash.',
  AFTERWORK_OUT_OF_MEMORY: 'Heap and Buffers of the thread grew past the limit of the task.',
  AFTERWORK_THREW_LATE: 'An exception that nothing caught ended the thread.',
  AFTERWORK_NOT_AN_ERROR: 'The task threw something that is not an Error.',
  AFTERWORK_LOCAL_GONE: 'A local function lives in memory only, and its process has ended.',
  AFTERWORK_TASK_FAILED: 'A task failed while a test drained the queue; its error is the cause.',
  AFTERWORK_NOT_DRAINED: 'A test drained the queue, and something would not end.',
  AFTERWORK_NO_SERVICE: 'No service answers, and what was asked needs one.',
  AFTERWORK_SERVICE_REFUSED: 'The service refused what the command line asked, or is none of ours.',
} as const

export type ErrorCode = keyof typeof errorCodes

/** HTTP statuses of the errors that reach a client as they are; everything else is a 500 with no detail. */
const statuses: Partial<Record<ErrorCode, number>> = {
  AFTERWORK_NOT_STARTED: 503,
  AFTERWORK_STOPPED: 503,
  AFTERWORK_QUEUE_FULL: 503,
  AFTERWORK_DISK_FULL: 507,
  AFTERWORK_FILES_NOT_SHARED: 503,
  AFTERWORK_QUEUE_FAILED: 503,
  AFTERWORK_QUEUE_TIMEOUT: 503,
  AFTERWORK_TASK_NOT_FOUND: 404,
  AFTERWORK_POOL_NOT_FOUND: 404,
  AFTERWORK_CONFLICT: 409,
}

/** What every error thrown by afterwork is: a stable `code`, a sentence, and where known the `cause`. */
export class AfterworkError extends Error {
  override readonly name = 'AfterworkError'
  readonly code: ErrorCode
  /** The HTTP status Koa answers with when the error reaches it. */
  readonly status: number
  /** Whether Koa may show the message to the client. */
  readonly expose: boolean
  /** Headers Koa adds to the answer. */
  readonly headers: Record<string, string>

  constructor(code: ErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.code = code
    this.status = statuses[code] ?? 500
    this.expose = this.status !== 500
    this.headers = this.status === 503 ? { 'Retry-After': '1' } : {}
  }
}

/** "Expected X, got Y" for an option, naming the option. */
export function badOption(what: string, expected: string, got: unknown, hint = ''): AfterworkError {
  return new AfterworkError('AFTERWORK_BAD_OPTION', `${what}: Expected ${expected}, got ${show(got)}${hint}`)
}

/** A value as an error message shows it: short, on one line, and never a function's whole source. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value)
  if (typeof value === 'function') return value.name ? `function ${value.name}` : 'a function'
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) {
    const name: unknown = Object.getPrototypeOf(value)?.constructor?.name
    return typeof name === 'string' && name !== 'Object' ? `an instance of ${name}` : 'an object'
  }
  return String(value)
}

/** The known name nearest to a misspelled one, as `, did you mean "x"?`, or nothing when none is near. */
export function didYouMean(given: string, known: Iterable<string>): string {
  let best = ''
  let bestDistance = Math.max(2, Math.floor(given.length / 3)) + 1
  for (const name of known) {
    const distance = editDistance(given.toLowerCase(), name.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [name, distance]
  }
  return best === '' ? '' : `, did you mean ${JSON.stringify(best)}?`
}

/** Levenshtein distance, two rows at a time (Wagner and Fischer, 1974). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, substitution))
    }
    previous = row
  }
  return previous[b.length]!
}
