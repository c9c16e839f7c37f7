import type { Failure } from './failure.ts'
import type { TaskRecord } from './task.ts'

/**
 * How an attempt ended that did not end well: its task failed for good, will be retried, is made again through no fault of its
 * own, or was cancelled; or the attempt was lost with its process.
 */
export type AttemptState = 'failed' | 'retried' | 'interrupted' | 'cancelled' | 'lost'

/** What is remembered of an attempt that did not end well; times are milliseconds since 1970. */
export interface AttemptRecord {
  /** Its number, from 1. */
  attempt: number
  state: AttemptState
  startedAt: number | null
  /** When it ended; of one that was lost, when that was noticed. */
  endedAt: number
  /** Which process made it; null where that is not known any more. */
  process: { host: string; pid: number } | null
  /** Null for one that was lost, and is made again. */
  error: AttemptError | null
}

/** Of an error what tells attempts apart; the message may be cut. */
export type AttemptError = Pick<Failure, 'name' | 'message' | 'code'>

/** Characters of the message of an attempt's error; the whole error of the last one is in the task's record. */
const maxMessage = 1_000

/** What is remembered of an error for each attempt. */
export function attemptError({ name, message, code }: Failure): AttemptError {
  const kept = message.length > maxMessage ? `${message.slice(0, maxMessage - 1)}…` : message
  return {
    name: name.slice(0, maxMessage),
    message: kept,
    ...(code !== undefined && { code: code.slice(0, maxMessage) }),
  }
}

/** Whether an attempt of a task can have ended otherwise than well by now. */
export function hasFailedAttempts({ attempt, state }: TaskRecord): boolean {
  return attempt > 1 || (attempt === 1 && state !== 'running' && state !== 'succeeded')
}
