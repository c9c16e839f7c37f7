import { isId } from '../../../core/id.ts'
import { flag, rowState, type taskColumns } from '../sql.ts'
import type { Value } from './record.ts'

/** A row of `tasks` by the names of its columns. */
export type TaskRow = Record<(typeof taskColumns)[number], Value>

const states: ReadonlySet<unknown> = new Set(Object.values(rowState))
const allFlags = Object.values(flag).reduce((sum: number, bit) => sum | bit, 0)

const text = (value: Value): boolean => typeof value === 'string' && value !== ''
const count = (value: Value): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const oneOf =
  (...known: number[]) =>
  (value: Value): boolean =>
    known.includes(value as number)
const time = (value: Value): boolean => typeof value === 'number' && Number.isFinite(value)
const orNull =
  (check: (value: Value) => boolean) =>
  (value: Value): boolean =>
    value === null || check(value)
const json = (value: Value): boolean => typeof value === 'string' && parse(value) !== undefined
const object = (value: Value): boolean => {
  const parsed = typeof value === 'string' ? parse(value) : undefined
  return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
}

/** What each column must hold for the engine to go on with the row. */
const checks: { [K in keyof TaskRow]: (value: Value) => boolean } = {
  seq: (value) => count(value) && value !== 0,
  id: isId,
  name: text,
  grp: orNull(text),
  pool: text,
  rank: (value) => Number.isSafeInteger(value),
  flags: (value) => count(value) && ((value as number) & ~allFlags) === 0,
  state: (value) => states.has(value),
  done: oneOf(0, 1, 2),
  attempt: count,
  failures: count,
  suspect: oneOf(0, 1),
  crashes: count,
  args: (value) => typeof value === 'string' && Array.isArray(parse(value)),
  options: orNull(object),
  files: orNull((value) => typeof value === 'string' && filesIn(value) !== undefined),
  key: orNull(text),
  bytes: count,
  added_at: time,
  run_at: orNull(time),
  started_at: orNull(time),
  ended_at: orNull(time),
  ended: orNull(count),
  expires_at: orNull(time),
  result: orNull(json),
  error: orNull(object),
  progress: orNull(object),
}

/** What of a task makes no sense, or undefined where all does. */
export function nonsense(row: TaskRow): string | undefined {
  for (const [column, check] of Object.entries(checks))
    if (!check(row[column as keyof TaskRow])) return `${column} makes no sense`
  const flags = row.flags as number
  if (Buffer.byteLength(row.args as string) !== row.bytes) return 'args are not as long as they were'
  if ((row.grp !== null) !== ((flags & flag.grouped) !== 0)) return 'grp and flags contradict each other'
  if ((row.files !== null) !== ((flags & flag.files) !== 0)) return 'files and flags contradict each other'
  const ended = (row.state as number) >= rowState.succeeded
  if (ended !== (row.ended !== null && row.ended_at !== null)) return 'state and ended contradict each other'
  if (row.state === rowState.scheduled && row.run_at === null) return 'it is scheduled for no time'
  return undefined
}

/** The ids of the files that a task names; undefined where the text is none of ours. */
export function filesIn(value: string): string[] | undefined {
  const files = parse(value)
  if (!Array.isArray(files)) return undefined
  const ids = files.map((file: { id?: unknown } | null) => file?.id)
  return ids.every((id) => isId(id)) ? (ids as string[]) : undefined
}

/** Whether a row of `attempts` makes sense: seq, running, at. */
export function isAttempt([seq, running, at]: readonly Value[]): boolean {
  return checks.seq(seq) && oneOf(0, 1, 2)(running) && time(at)
}

/** Likewise for `aliases`: seq, id, grp, target, held, reached, done. */
export function isAlias([seq, id, grp, target, held, reached, done]: readonly Value[]): boolean {
  const [known, flags] = [oneOf(0, 1, 2), oneOf(0, 1)]
  return (
    checks.seq(seq) &&
    isId(id) &&
    text(grp) &&
    orNull(checks.seq)(target) &&
    flags(held) &&
    flags(reached) &&
    known(done)
  )
}

/** Likewise for `rated_starts`: name, at. */
export function isStart([name, at]: readonly Value[]): boolean {
  return text(name) && time(at)
}

/** Likewise for `receipts`: key, fingerprint, answer, expires_at. */
export function isReceipt([key, fingerprint, answer, expiresAt]: readonly Value[]): boolean {
  return text(key) && text(fingerprint) && text(answer) && time(expiresAt)
}

function parse(value: string): unknown {
  try {
    return JSON.parse(value) as unknown
  } catch {
    return undefined
  }
}
