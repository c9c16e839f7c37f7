import type { ResolvedOptions } from '../../core/options.ts'
import type { ClaimedTask, NewTask, Progress } from '../../core/task.ts'
import type { Waiting } from '../lanes.ts'
import type { Settlement } from '../queue.ts'
import { ask, Cursor, type RefillResult } from './message.ts'
import { parseOptions } from '../stored-options.ts'
import { flagsOf, insertFields, readWaitingRow, type WaitingRow } from './row.ts'

/** A task that the main thread has: it can be claimed, was claimed, or runs. All others are on disk only. */
export interface Entry extends Waiting {
  task: { id: string; name: string; args: string; group: string; options: ResolvedOptions }
  flags: number
  bytes: number
  attempt: number
  failures: number
  suspect: boolean
  addedAt: number
  /** Its response has not closed. */
  held: boolean
  /** It ran, or may have, when the process before this one crashed. */
  careful: boolean
  /** Whether it is on disk that it may start any moment, so that it can be started at once. */
  armed: 'no' | 'asked' | 'yes'
  /** It was taken out of its lane to be armed. */
  ahead: boolean
  claimed: boolean
  running: boolean
  /** How it ended is on its way to the store. */
  settling: boolean
  /** It is being cancelled or discarded; known until that is stored, lest the row be taken for one that waits. */
  leaving: boolean
  startedAt: number
  progress: Progress | null
}

export function entryOfTask(
  task: NewTask,
  sequence: number,
  bytes: number,
  now: number,
  held: boolean,
): Entry {
  const { id, name, args, group, options } = task
  const entry = newEntry({ id, name, args, group, options }, sequence, flagsOf(task), bytes, now)
  entry.held = held
  return entry
}

export function entryOfRow(row: WaitingRow): Entry {
  const { id, name, args, grp } = row
  const task = { id, name, args, group: grp ?? id, options: parseOptions(row.options) }
  const entry = newEntry(task, row.seq, row.flags, row.bytes, row.added_at)
  entry.attempt = row.attempt
  entry.failures = row.failures
  entry.suspect = row.suspect === 1
  return entry
}

/** Those that were read from disk, many at a time. */
export function entriesOf({ fields }: RefillResult): Entry[] {
  const cursor = new Cursor(fields)
  const entries: Entry[] = []
  while (!cursor.done) entries.push(entryOfRow(readWaitingRow(cursor)))
  return entries
}

/** Written out, for there is one to each task. */
function newEntry(
  task: Entry['task'],
  sequence: number,
  flags: number,
  bytes: number,
  addedAt: number,
): Entry {
  return {
    task,
    sequence,
    flags,
    bytes,
    addedAt,
    waiting: false,
    standing: false,
    attempt: 0,
    failures: 0,
    suspect: false,
    held: false,
    careful: false,
    armed: 'no',
    ahead: false,
    claimed: false,
    running: false,
    settling: false,
    leaving: false,
    startedAt: 0,
    progress: null,
  }
}

export function toClaimed({ task, attempt, failures, suspect, addedAt }: Entry): ClaimedTask {
  const { id, name, args, group, options } = task
  return { id, name, args, group, options, attempt: attempt + 1, failures, suspect, addedAt }
}

/** As the store takes them, in JSON. */
export function seqsOf(entries: readonly Entry[]): string {
  return JSON.stringify(entries.map(({ sequence }) => sequence))
}

/** What the store is told of an attempt that has ended. */
export function settleFields(
  entry: Entry,
  settlement: Settlement,
  followUps: readonly NewTask[] = [],
): unknown[] {
  const { sequence, attempt, startedAt, progress, flags, bytes, task } = entry
  const { state, at } = settlement
  const { keepResult } = task.options
  if (state === 'succeeded' && followUps.length === 0)
    return [ask.succeed, sequence, attempt, startedAt, at, settlement.result, flags, bytes, keepResult]
  const fields = [
    ask.settle,
    sequence,
    state,
    attempt,
    startedAt,
    at,
    state === 'succeeded' ? settlement.result : null,
    state === 'succeeded' ? null : JSON.stringify(settlement.failure),
    // Success is complete.
    state === 'succeeded' || progress === null ? null : JSON.stringify(progress),
    state === 'scheduled' ? Math.ceil(settlement.runAt) : null,
    state === 'queued' && settlement.suspect === true ? 1 : 0,
    flags,
    bytes,
    keepResult,
    followUps.length,
  ]
  for (const task of followUps) insertFields(task, Buffer.byteLength(task.args), at, fields)
  return fields
}
