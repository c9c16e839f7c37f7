import type { TaskRecord, TaskState } from '../../core/task.ts'
import type { Stats, TaskDetails } from './operator.ts'

/** What HTTP does not tell of a task. */
export function detailsOf({ pool, priority, group, runAt, error }: TaskRecord): TaskDetails {
  return { pool, priority, group, runAt: isoDate(runAt), error }
}

/** `oldest` in milliseconds since 1970. */
export function statsOf(counts: Record<TaskState, number>, oldest: number | null): Stats {
  return { counts, oldestAddedAt: isoDate(oldest) }
}

function isoDate(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
