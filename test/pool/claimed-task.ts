import { newId } from '../../src/core/id.ts'
import { defaults, type ResolvedOptions } from '../../src/core/options.ts'
import type { ClaimedTask } from '../../src/core/task.ts'
import { encodeArguments } from '../../src/core/value.ts'

/** A task as the dispatcher hands it to a pool. */
export function claimedTask(
  name: string,
  args: unknown[] = [],
  options: Partial<ResolvedOptions> = {},
): ClaimedTask {
  const id = newId()
  return {
    id,
    name,
    args: encodeArguments(args, name),
    group: id,
    options: { ...defaults, ...options },
    attempt: 1,
    failures: 0,
    suspect: false,
    addedAt: Date.now(),
  }
}
