import { AfterworkError } from '../../../core/errors.ts'
import { toFailure } from '../../../core/failure.ts'
import { defaults } from '../../../core/options.ts'
import { parseOptions } from '../../stored-options.ts'
import type { WaitingRow } from '../row.ts'
import { attemptState, done, flag, rowState } from '../sql.ts'
import type { Ledger } from './ledger.ts'

/** A task that was alone in its process at so many crashes in a row is failed. */
const mostCrashes = 3

interface Interrupted {
  seq: number
  running: number
  at: number
  attempt: number
  crashes: number
  flags: number
  name: string
}

/**
 * Brings what a process left behind, however it ended, into a state to go on from: what ran is made again, charged an
 * attempt, and is suspect; what was held is released. Gives those that ran, or may have. Its caller holds the
 * transaction.
 */
export function recover(ledger: Ledger, now: number): WaitingRow[] {
  const { sql } = ledger
  const interrupted = sql.interrupted.all() as unknown as Interrupted[]
  sql.clearAttempts.run()
  for (const task of interrupted) {
    if (failed(ledger, task, now)) continue
    const { seq, at, running, crashes } = task
    sql.suspect.run(at, running === attemptState.alone ? crashes + 1 : 0, seq)
    ledger.totals.move('running', 'queued')
  }
  release(ledger)
  ledger.advance(now)
  return sql.suspects.all() as unknown as WaitingRow[]
}

/** Whether a task must not run again after the crash. */
function failed(ledger: Ledger, task: Interrupted, now: number): boolean {
  const error = reason(task)
  if (error === undefined) return false
  const { seq, at, attempt, flags } = task
  const { sql, totals } = ledger
  const row = sql.ended.get(seq) as unknown as { options: string | null; bytes: number }
  const keep = parseOptions(row.options).keepResult
  const expiresAt = keep === defaults.keepResult ? null : now + keep
  if ((flags & flag.grouped) !== 0) ledger.turnOver(seq)
  const failure = JSON.stringify(toFailure(error))
  const place = totals.nextEnded()
  sql.end.run(rowState.failed, done.badly, attempt + 1, at, now, place, expiresAt, null, failure, null, seq)
  ledger.ended({ seq, state: 'failed', flags, bytes: row.bytes, at: now }, 'running')
  ledger.news.push({ type: 'lost', record: ledger.record(seq) })
  return true
}

function reason({ running, crashes, flags, name }: Interrupted): AfterworkError | undefined {
  if ((flags & flag.atMostOnce) !== 0) {
    const message = `${name} had started when the process died, and must not be started twice`
    return new AfterworkError('AFTERWORK_INTERRUPTED', message)
  }
  if (running !== attemptState.alone || crashes + 1 < mostCrashes) return undefined
  return new AfterworkError(
    'AFTERWORK_CRASHED_PROCESS',
    `${name} ran alone in its process at ${mostCrashes} crashes in a row`,
  )
}

/** The responses of what was held are closed, one way or another. */
function release(ledger: Ledger): void {
  const { sql } = ledger
  for (const { seq, id, grp } of sql.heldTasks.all() as unknown as {
    seq: number
    id: string
    grp: string | null
  }[]) {
    sql.setState.run(rowState.blocked, seq)
    ledger.changed(grp ?? id)
  }
  for (const { seq, grp } of sql.heldAliases.all() as unknown as { seq: number; grp: string }[]) {
    sql.releaseAlias.run(seq)
    ledger.changed(grp)
  }
}
