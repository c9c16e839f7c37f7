import type { StoredFile } from '../../../core/stored-file.ts'
import type { MovedAlias, MovedTask } from '../../moved.ts'
import { parseOptions } from '../../stored-options.ts'
import { rowState } from '../sql.ts'

/** A task as `afterwork move` reads it; `armed` when it may start, or have started, any moment. */
export interface TaskRow {
  seq: number
  id: string
  name: string
  grp: string | null
  state: number
  done: number
  attempt: number
  failures: number
  suspect: number
  crashes: number
  args: string
  options: string | null
  files: string | null
  added_at: number
  run_at: number | null
  started_at: number | null
  ended_at: number | null
  ended: number | null
  expires_at: number | null
  result: string | null
  error: string | null
  progress: string | null
  armed: number
  leads: number
}

/** Likewise an alias. */
export interface AliasRow {
  seq: number
  id: string
  grp: string
  target: string | null
  reached: number
  done: number
}

/** States of a queue that was recovered: nothing is held. */
const states: Record<number, MovedTask['state']> = {
  [rowState.blocked]: 'blocked',
  [rowState.ready]: 'ready',
  [rowState.scheduled]: 'scheduled',
  [rowState.succeeded]: 'succeeded',
  [rowState.failed]: 'failed',
  [rowState.cancelled]: 'cancelled',
}

export function movedTask(row: TaskRow): MovedTask {
  const { id, name, args } = row
  const files = row.files === null ? [] : (JSON.parse(row.files) as StoredFile[])
  const state = states[row.state]!
  return {
    task: { id, name, args, files, group: row.grp ?? id, options: parseOptions(row.options) },
    seq: row.seq,
    state,
    done: row.done,
    leads: row.leads === 1,
    attempt: row.attempt,
    failures: row.failures,
    suspect: row.suspect === 1,
    lost: state === 'ready' && (row.suspect === 1 || row.armed === 1),
    crashes: row.crashes,
    addedAt: row.added_at,
    runAt: row.run_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    ended: row.ended,
    expiresAt: row.expires_at,
    result: row.result,
    error: row.error,
    progress: row.progress,
  }
}

export function movedAlias({ seq, id, grp, target, reached, done }: AliasRow): MovedAlias {
  return { seq, id, group: grp, target, reached: reached === 1, done }
}
