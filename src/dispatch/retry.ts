import type { ClaimedTask } from '../core/task.ts'

/**
 * When a failed task runs again, in milliseconds since 1970, or null if it has failed for good.
 * `asked` is what the task's own TaskError said: false for never, or how many milliseconds to wait.
 */
export function retryAt(
  task: ClaimedTask,
  asked: false | number | undefined,
  now: number,
  random: () => number = Math.random,
): number | null {
  if (asked === false || task.failures >= task.options.retries) return null
  return now + (asked ?? backoff(task.options.backoff, task.failures, random))
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
