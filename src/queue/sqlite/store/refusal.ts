import { AfterworkError } from '../../../core/errors.ts'
import type { Refusal } from '../message.ts'

/** An error of ours as the result of an operation. */
export function refused({ code, message }: AfterworkError): Refusal {
  return { refused: code, message }
}

export function notFound(id: string): Refusal {
  return refused(new AfterworkError('AFTERWORK_TASK_NOT_FOUND', `There is no task ${id.slice(0, 64)}`))
}

export function conflict(message: string): Refusal {
  return refused(new AfterworkError('AFTERWORK_CONFLICT', message))
}
