import { defaults, type ResolvedOptions } from '../../core/options.ts'
import type { AttemptError, AttemptRecord, AttemptState } from '../../core/attempt.ts'
import type { Failure } from '../../core/failure.ts'
import type { ClaimedTask, NewTask, Progress, TaskRecord, TaskState } from '../../core/task.ts'
import { optionsText, parseOptions } from '../stored-options.ts'
import { flag, rowState } from './schema.ts'

/** A task as it is added: what is not there is NULL. */
export interface NewRow {
  id: string
  name: string
  grp?: string
  queue: string
  pool: string
  priority: number
  flags: number
  concurrency?: number
  rate_max?: number
  rate_per?: number
  args: string
  options?: string
  files?: string
  key?: string
  bytes: number
  keep?: number
  run_at?: number
  delay?: number
}

/** `grouped`: others of the same batch are in its group; `shift` brings a time of this process to the database's clock. */
export function newRow(task: NewTask, queue: string, grouped: boolean, shift: number): NewRow {
  const { id, name, args, group, files, options } = task
  const { pool, priority, concurrency, rateLimit, unique, keepResult, delay, runAt } = options
  const text = optionsText(options)
  const row: NewRow = {
    id,
    name,
    queue,
    pool,
    priority,
    flags: flagsOf(task, grouped),
    args,
    bytes: Buffer.byteLength(args),
  }
  if (group !== id) row.grp = group
  if (concurrency !== null) row.concurrency = concurrency
  if (rateLimit !== null) Object.assign(row, { rate_max: rateLimit.max, rate_per: Math.ceil(rateLimit.per) })
  if (text !== null) row.options = text
  if (files.length > 0) row.files = JSON.stringify(files)
  if (unique !== null) row.key = keyText(unique)
  if (keepResult !== defaults.keepResult) row.keep = Math.ceil(keepResult)
  if (runAt !== null) row.run_at = Math.ceil(runAt + shift)
  else if (delay > 0) row.delay = Math.ceil(delay)
  return row
}

/** Whether nothing but its response can keep it from being claimed, and it has no files. */
export function isSimple({ grp, flags, key, run_at, delay, files }: NewRow): boolean {
  const none = grp === undefined && key === undefined && run_at === undefined && delay === undefined
  return none && files === undefined && (flags & flag.grouped) === 0
}

/** A key may be any text; that of PostgreSQL has no NUL. */
function keyText(key: string): string {
  return JSON.stringify(key)
}

function flagsOf({ group, id, files, options }: NewTask, grouped: boolean): number {
  return (
    (options.onlyAfterSuccess ? flag.onlyAfterSuccess : 0) |
    (options.onEnded === null ? 0 : flag.onEnded) |
    (options.delivery === 'at-most-once' ? flag.atMostOnce : 0) |
    (grouped || group !== id ? flag.grouped : 0) |
    (files.length === 0 ? 0 : flag.files)
  )
}

/** A task that was claimed. */
export interface ClaimedRow {
  id: string
  name: string
  grp: string | null
  queue: string
  flags: number
  attempt: number
  failures: number
  suspect: boolean
  /** Somebody asked for that. */
  cancel: boolean
  args: string
  options: string | null
  key: string | null
  /** Microseconds since 1970. */
  seq: number
  limited: boolean
  fence: number
}

/** A task as it is stored, with what its ticket says. */
export interface RecordRow {
  id: string
  name: string
  grp: string | null
  pool: string
  priority: number
  state: number
  attempt: number
  args: string
  options: string | null
  files: string | null
  seq: number
  run_at: number | null
  started_at: number | null
  ended_at: number | null
  result: string | null
  error: string | null
  progress: string | null
  running: boolean | null
  begun: number | null
}

/** A task that this process has claimed, or runs. */
export interface Entry {
  task: ClaimedTask
  queue: string
  /** Which claim of the task it is. */
  fence: number
  flags: number
  key: string | null
  /** A limit of its name counts it. */
  limited: boolean
  claimed: boolean
  running: boolean
  settling: boolean
  /** It was asked to stop. */
  stopping: boolean
  startedAt: number
  progress: Progress | null
  /** When its claim was asked for, on the clock of performance.now(). */
  since: number
}

export function entryOf(row: ClaimedRow, limited: boolean, since: number): Entry {
  const { id, name, args, grp, attempt, failures, suspect, options, seq, queue, fence, flags, key } = row
  return {
    task: {
      id,
      name,
      args,
      group: grp ?? id,
      options: parseOptions(options),
      attempt: attempt + 1,
      failures,
      suspect,
      addedAt: Math.floor(seq / 1_000),
    },
    queue,
    fence,
    flags,
    key,
    limited: limited || row.limited,
    claimed: true,
    running: false,
    settling: false,
    stopping: false,
    startedAt: 0,
    progress: null,
    since,
  }
}

export function toRecord(row: RecordRow): TaskRecord {
  const state = stateOf(row)
  const runs = state === 'running'
  return {
    id: row.id,
    name: row.name,
    group: row.grp ?? row.id,
    pool: row.pool,
    priority: row.priority,
    state,
    attempt: row.attempt + (runs ? 1 : 0),
    progress: progressOf(row, state),
    result: row.result,
    error: row.error === null ? null : (JSON.parse(row.error) as Failure),
    args: row.args,
    redact: parseOptions(row.options).redact,
    addedAt: Math.floor(row.seq / 1_000),
    runAt: row.run_at,
    startedAt: runs ? Math.round(row.begun!) : row.started_at,
    endedAt: row.ended_at,
  }
}

/** An attempt that did not end well, as it is stored, with its process. */
export interface AttemptRow {
  attempt: number
  state: AttemptState
  started_at: number | null
  ended_at: number
  error: string | null
  host: string | null
  pid: number | null
}

export function toAttempt({
  attempt,
  state,
  started_at,
  ended_at,
  error,
  host,
  pid,
}: AttemptRow): AttemptRecord {
  return {
    attempt,
    state,
    startedAt: started_at,
    endedAt: ended_at,
    process: host === null || pid === null ? null : { host, pid },
    error: error === null ? null : (JSON.parse(error) as AttemptError),
  }
}

/** The options and files of a stored task. */
export function optionsOf({ options }: Pick<RecordRow, 'options'>): ResolvedOptions {
  return parseOptions(options)
}

function progressOf({ progress }: RecordRow, state: TaskState): Progress | null {
  if (state === 'succeeded') return { fraction: 1, message: null }
  return progress === null ? null : (JSON.parse(progress) as Progress)
}

function stateOf({ state, running }: RecordRow): TaskState {
  if (running === true) return 'running'
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
