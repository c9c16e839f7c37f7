import { AfterworkError } from '../core/errors.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import type { AttemptEnd } from '../core/pool.ts'
import type { ClaimedTask, NewTask } from '../core/task.ts'
import type { Settlement } from '../queue/queue.ts'
import { retryAt } from './retry.ts'

/** What the end of an attempt makes of its task, at that time. */
export function settle(task: ClaimedTask, { outcome, startedAt }: AttemptEnd, at: number): Settlement {
  switch (outcome.kind) {
    case 'succeeded':
      return { state: 'succeeded', at, result: outcome.result ?? null }
    case 'cancelled':
      return { state: 'cancelled', at, failure: outcome.failure }
    case 'interrupted':
      if (startedAt !== null && task.options.delivery === 'at-most-once') {
        return { state: 'failed', at, failure: atMostOnce(task, outcome.failure) }
      }
      return { state: 'queued', at, failure: outcome.failure, suspect: outcome.suspect ?? false }
    case 'failed': {
      const { failure, steering } = outcome
      // What is wrong is wrong for the whole pool: the task waits for it, and is charged nothing.
      if (steering?.pausePool === true && steering.retry === undefined)
        return { state: 'queued', at, failure }
      const runAt = retryAt(task, steering?.retry, at)
      if (runAt === null) return { state: 'failed', at, failure }
      return { state: 'scheduled', at, failure, runAt: Math.max(runAt, at + (steering?.minWait ?? 0)) }
    }
  }
}

/** The follow-ups of an attempt are kept when its task has ended with it; one that is made again adds them again. */
export function followUpsOf({ outcome }: AttemptEnd, { state }: Settlement): readonly NewTask[] {
  const ended = state === 'succeeded' || state === 'failed'
  return ended && (outcome.kind === 'succeeded' || outcome.kind === 'failed') ? (outcome.followUps ?? []) : []
}

function atMostOnce({ name }: ClaimedTask, cause: Failure): Failure {
  const error = new AfterworkError(
    'AFTERWORK_INTERRUPTED',
    `${name} had started, and must not be started twice`,
  )
  return { ...toFailure(error), cause }
}
