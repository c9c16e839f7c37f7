import { TaskError } from 'afterwork/worker'

/** What a file is refused or given up for: the task fails with this code, and is not tried again. */
export function fileError(code: string, message: string, cause?: unknown): TaskError {
  return new TaskError(message, { retry: false, code, ...(cause !== undefined && { cause }) })
}
