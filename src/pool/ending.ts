import { AfterworkError } from '../core/errors.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import type { Outcome } from '../core/outcome.ts'
import type { ClaimedTask } from '../core/task.ts'
import type { Reply } from './envelope.ts'
import type { Flight } from './flight.ts'
import type { Loss, Thread } from './thread.ts'

/** What a reply makes of an attempt; one that was asked to stop and failed has stopped for that reason. */
export function outcomeOf(reply: Reply, { stopping }: Pick<Flight, 'stopping'>): Outcome {
  if (typeof reply !== 'object') return { kind: 'succeeded', result: reply }
  const { followUps = [] } = reply
  if (reply.ok) return { kind: 'succeeded', result: reply.result, followUps }
  if (stopping === undefined)
    return { kind: 'failed', failure: reply.failure, steering: reply.steering, followUps }
  const outcome = stopped(stopping, reply.failure)
  return outcome.kind === 'failed' ? { ...outcome, followUps } : outcome
}

/** The thread ended under an attempt: whose fault was it? */
export function lostOutcome(flight: Flight, error: unknown): Outcome {
  const { thread, stopping, task } = flight
  // Before anything else: once this one has landed, it can no longer be told that it ran there.
  const loss = thread === null ? undefined : lossOf(flight.threads!.thread(thread), task, error)
  if (stopping !== undefined) return stopped(stopping)
  if (loss === undefined) return interrupted('Its thread ended before it had started')
  const { culprit, failure } = loss
  if (culprit === flight) return { kind: 'failed', failure }
  if (culprit === 'none of them') return interrupted('Its thread was ended by a task that had ended before')
  if (culprit !== null) return interrupted('Its thread was ended by another task')
  return {
    ...interrupted('Its thread was ended, perhaps by another task; it runs again alone'),
    suspect: true,
  }
}

/** Of a thread that nobody is known to have ended it is the doing of whoever ran alone on it. */
function lossOf(thread: Thread, task: ClaimedTask, error: unknown): Loss {
  if (thread.loss !== undefined) return thread.loss
  const culprit = thread.onlyFlight
  thread.loss = { culprit, failure: threadFailure((culprit?.task ?? task).name, error) }
  return thread.loss
}

/** The error of a task whose thread outgrew its limit. */
export function outOfMemory({ name, options }: ClaimedTask, used: number): AfterworkError {
  const megabytes = (size: number): string => `${Math.round(size / 1024 ** 2)} MB`
  return new AfterworkError(
    'AFTERWORK_OUT_OF_MEMORY',
    `${name}: Expected heap and Buffers of its thread to stay below ${megabytes(options.memory)}, got ${megabytes(used)}`,
  )
}

/** What an attempt that was asked to stop has come to. */
export function stopped(reason: AfterworkError, thrown?: Failure): Outcome {
  const failure = toFailure(reason)
  if (thrown !== undefined && thrown.code !== reason.code) failure.cause = thrown
  if (reason.code === 'AFTERWORK_STOPPING') return { kind: 'interrupted', failure }
  return { kind: reason.code === 'AFTERWORK_CANCELLED' ? 'cancelled' : 'failed', failure }
}

function interrupted(message: string): Extract<Outcome, { kind: 'interrupted' }> {
  return { kind: 'interrupted', failure: toFailure(new AfterworkError('AFTERWORK_WORKER_EXITED', message)) }
}

function threadFailure(name: string, error: unknown): Failure {
  const { code, message } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : { code: undefined, message: String(error) }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return toFailure(
      new AfterworkError('AFTERWORK_OUT_OF_MEMORY', `${name} filled the heap of its thread`, {
        cause: error,
      }),
    )
  }
  if (/^worker exited with code/i.test(message)) {
    return toFailure(new AfterworkError('AFTERWORK_WORKER_EXITED', `${name} ended its thread: ${message}`))
  }
  return toFailure(
    new AfterworkError(
      'AFTERWORK_THREW_LATE',
      `Nothing caught an exception in the thread of ${name}: ${message}`,
      { cause: error },
    ),
  )
}
