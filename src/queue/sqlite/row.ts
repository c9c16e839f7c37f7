import type { ResolvedOptions } from '../../core/options.ts'
import type { Failure } from '../../core/failure.ts'
import type { NewTask, Progress, TaskRecord, TaskState } from '../../core/task.ts'
import type { AddOptions } from '../queue.ts'
import { optionsText, parseOptions } from '../stored-options.ts'
import { ask, type Cursor } from './message.ts'
import { flag, rowState } from './sql.ts'

/** A task that can be claimed, as it is stored. */
export interface WaitingRow {
  seq: number
  id: string
  name: string
  grp: string | null
  flags: number
  attempt: number
  failures: number
  suspect: number
  args: string
  options: string | null
  bytes: number
  added_at: number
}

/** Reads one of many that came in one array. */
export function readWaitingRow(cursor: Cursor): WaitingRow {
  return {
    seq: cursor.next(),
    id: cursor.next(),
    name: cursor.next(),
    grp: cursor.next(),
    flags: cursor.next(),
    attempt: cursor.next(),
    failures: cursor.next(),
    suspect: cursor.next(),
    args: cursor.next(),
    options: cursor.next(),
    bytes: cursor.next(),
    added_at: cursor.next(),
  }
}

/** A task as it is stored, with its attempt if one runs. */
export interface RecordRow {
  id: string
  name: string
  grp: string | null
  pool: string
  rank: number
  state: number
  attempt: number
  args: string
  options: string | null
  added_at: number
  run_at: number | null
  started_at: number | null
  ended_at: number | null
  result: string | null
  error: string | null
  progress: string | null
  running: number | null
  at: number | null
}

/** When a new task may run first, in milliseconds since 1970, or null for at once. */
export function runAtOf({ runAt, delay }: ResolvedOptions, now: number): number | null {
  const at = runAt ?? (delay > 0 ? now + delay : null)
  return at === null ? null : Math.ceil(at)
}

/** Whether nothing but its response can keep a new task from being claimed: no group, key or delay. */
export function isSimple({ id, group, options }: NewTask): boolean {
  return group === id && options.unique === null && options.delay === 0 && options.runAt === null
}

/** What the store is told of tasks that are added together; most requests add one. */
export function addFields(
  tasks: readonly NewTask[],
  sizes: readonly number[],
  now: number,
  { held, unbounded = false, receipt }: AddOptions,
): unknown[] {
  const [first] = tasks
  const simple = tasks.length === 1 && isSimple(first!) && first!.files.length === 0
  if (first !== undefined && simple && receipt === undefined) {
    const { id, name, args, options } = first
    const { pool, priority } = options
    const row = [id, name, pool, -priority, flagsOf(first), args, optionsText(options), sizes[0]]
    return [ask.addSimple, now, held, unbounded, ...row]
  }
  const { key = null, fingerprint = null, answer = null, expiresAt = null } = receipt ?? {}
  const fields: unknown[] = [ask.add, now, held, unbounded, key, fingerprint, answer, expiresAt, tasks.length]
  for (let i = 0; i < tasks.length; i++) insertFields(tasks[i]!, sizes[i]!, now, fields)
  return fields
}

/** Adds to `fields` those of a row to insert, in the order in which the store reads them. */
export function insertFields(task: NewTask, bytes: number, now: number, fields: unknown[] = []): unknown[] {
  const { id, name, group, args, files, options } = task
  fields.push(
    id,
    name,
    group === id ? null : group,
    options.pool,
    -options.priority,
    flagsOf(task),
    args,
    optionsText(options),
    files.length === 0 ? null : JSON.stringify(files),
    options.unique,
    bytes,
    runAtOf(options, now),
  )
  return fields
}

export function flagsOf({ id, group, files, options }: NewTask): number {
  return (
    (options.onlyAfterSuccess ? flag.onlyAfterSuccess : 0) |
    (options.onEnded === null ? 0 : flag.onEnded) |
    (options.delivery === 'at-most-once' ? flag.atMostOnce : 0) |
    (group === id ? 0 : flag.grouped) |
    (files.length === 0 ? 0 : flag.files)
  )
}

export function toRecord(row: RecordRow): TaskRecord {
  const state = stateOf(row)
  const runs = state === 'running'
  return {
    id: row.id,
    name: row.name,
    group: row.grp ?? row.id,
    pool: row.pool,
    priority: -row.rank || 0,
    state,
    attempt: row.attempt + (runs ? 1 : 0),
    progress: progressOf(row, state),
    result: row.result,
    error: row.error === null ? null : (JSON.parse(row.error) as Failure),
    args: row.args,
    redact: parseOptions(row.options).redact,
    addedAt: row.added_at,
    runAt: row.run_at,
    startedAt: runs ? row.at : row.started_at,
    endedAt: row.ended_at,
  }
}

/** That of a running task is known to the main thread only. */
function progressOf({ progress }: RecordRow, state: TaskState): Progress | null {
  if (state === 'succeeded') return { fraction: 1, message: null }
  return state === 'running' || progress === null ? null : (JSON.parse(progress) as Progress)
}

function stateOf({ state, running }: RecordRow): TaskState {
  if (running !== null && running > 0) return 'running'
  switch (state) {
    case rowState.scheduled:
      return 'scheduled'
    case rowState.succeeded:
      return 'succeeded'
    case rowState.failed:
      return 'failed'
    case rowState.cancelled:
      return 'cancelled'
    default:
      return 'queued'
  }
}
