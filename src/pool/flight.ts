import { AfterworkError } from '../core/errors.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import type { Outcome } from '../core/outcome.ts'
import type { ClaimedTask } from '../core/task.ts'
import type { Batch } from './batch.ts'
import type { Reply } from './envelope.ts'

/** A thread, as far as the attempts on it care. */
export interface Thread {
  id: number
  /** The attempts that run on it. */
  flights: Set<Flight>
  /** Why it ended or is being ended, and whose doing it was. */
  loss: { culprit: Culprit; failure: Failure } | undefined
}

/** One attempt; none that still runs; or null when there is more than one that may have done it. */
export type Culprit = Flight | 'none of them' | null

/** One attempt that was handed to a thread. */
export interface Flight {
  task: ClaimedTask
  startedAt: number | null
  thread: Thread | undefined
  /** Nothing ran on its thread before, so that what the thread holds is its own. */
  first: boolean
  /** The batch of which it is one. */
  batch: Batch | undefined
  /** Messages of it that arrived. */
  heard: number
  timer: NodeJS.Timeout | undefined
  /** Why it was asked to stop, once it was. */
  stopping: AfterworkError | undefined
}

/** The attempt that runs alone on a thread. */
export function onlyOne({ flights }: Thread): Flight | null {
  const [only, ...others] = flights
  return others.length === 0 ? (only ?? null) : null
}

/** What a reply makes of an attempt; one that was asked to stop and failed has stopped for that reason. */
export function outcomeOf(reply: Reply, { stopping }: Flight): Outcome {
  const { followUps } = reply
  if (reply.ok) return { kind: 'succeeded', result: reply.result, followUps }
  if (stopping === undefined)
    return { kind: 'failed', failure: reply.failure, steering: reply.steering, followUps }
  const outcome = stopped(stopping, reply.failure)
  return outcome.kind === 'failed' ? { ...outcome, followUps } : outcome
}

/** The thread ended under an attempt: whose fault was it? */
export function lostOutcome(flight: Flight, error: unknown): Outcome {
  const { thread, stopping, task } = flight
  if (stopping !== undefined) return stopped(stopping)
  if (thread === undefined) return interrupted('Its thread ended before it had started')
  thread.loss ??= { culprit: onlyOne(thread), failure: threadFailure(task.name, error) }
  const { culprit, failure } = thread.loss
  if (culprit === flight) return { kind: 'failed', failure }
  if (culprit === 'none of them') return interrupted('Its thread was ended by a task that had ended before')
  if (culprit !== null) return interrupted('Its thread was ended by another task')
  return {
    ...interrupted('Its thread was ended, perhaps by another task; it runs again alone'),
    suspect: true,
  }
}

/** The error of a task whose thread outgrew its limit. */
export function outOfMemory({ name, options }: ClaimedTask, used: number): AfterworkError {
  const megabytes = (size: number): string => `${Math.round(size / 1024 ** 2)} MB`
  return new AfterworkError(
    'AFTERWORK_OUT_OF_MEMORY',
    `${name}: Expected heap and Buffers of its thread to stay below ${megabytes(options.memory)}, got ${megabytes(used)}`,
  )
}

function stopped(reason: AfterworkError, thrown?: Failure): Outcome {
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
