import type { Cursor } from '../message.ts'

/** What a message brings of an attempt that has ended, in this order. */
export interface Settled {
  seq: number
  state: 'succeeded' | 'failed' | 'cancelled' | 'scheduled' | 'queued'
  attempt: number
  startedAt: number
  at: number
  result: string | null
  error: string | null
  progress: string | null
  runAt: number | null
  suspect: number
  flags: number
  bytes: number
  keep: number
}

/** Reads it of a message. */
export function readSettled(cursor: Cursor): Settled {
  return {
    seq: cursor.next(),
    state: cursor.next(),
    attempt: cursor.next(),
    startedAt: cursor.next(),
    at: cursor.next(),
    result: cursor.next(),
    error: cursor.next(),
    progress: cursor.next(),
    runAt: cursor.next(),
    suspect: cursor.next(),
    flags: cursor.next(),
    bytes: cursor.next(),
    keep: cursor.next(),
  }
}

/** Likewise, of one that succeeded without follow-ups. */
export function readSucceeded(cursor: Cursor): Settled {
  return {
    seq: cursor.next(),
    state: 'succeeded',
    attempt: cursor.next(),
    startedAt: cursor.next(),
    at: cursor.next(),
    result: cursor.next(),
    error: null,
    progress: null,
    runAt: null,
    suspect: 0,
    flags: cursor.next(),
    bytes: cursor.next(),
    keep: cursor.next(),
  }
}
