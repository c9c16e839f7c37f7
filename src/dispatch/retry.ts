import type { ClaimedTask } from '../core/task.ts'

/** When a failed task runs again, in milliseconds since 1970, or null if it has failed for good. */
export function retryAt(task: ClaimedTask, now: number, random: () => number = Math.random): number | null {
  if (task.failures >= task.options.retries) return null
  return now + backoff(task.options.backoff, task.failures, random)
}

/** Exponential backoff: `first` times `factor` for each earlier failure, a share `jitter` of it random. */
function backoff(
  { first, factor, jitter, max }: ClaimedTask['options']['backoff'],
  failures: number,
  random: () => number,
): number {
  const full = Math.min(first * factor ** failures, max)
  return Math.round(full * (1 - jitter * random()))
}
