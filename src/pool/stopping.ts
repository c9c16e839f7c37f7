import { AfterworkError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import type { Flight } from './flight.ts'

/** How long a task that was asked to stop may take before its thread is ended, in milliseconds. */
export const grace = 1_000

/** Aborts the signal of an attempt; the sweep ends its thread when some grace has passed. */
export function stop(flight: Flight, reason: AfterworkError): void {
  const { task, thread } = flight
  const again = flight.stopping !== undefined
  flight.stopping ??= reason
  if (thread !== null && (!again || flight.due === undefined)) flight.due = performance.now() + grace
  flight.threads?.say({
    type: 'stop',
    id: task.id,
    attempt: task.attempt,
    failure: toFailure(flight.stopping),
  })
}

export function stoppingError(): AfterworkError {
  return new AfterworkError('AFTERWORK_STOPPING', 'The process is stopping')
}
