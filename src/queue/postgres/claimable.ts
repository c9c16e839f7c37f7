import { Coalescer } from './coalescer.ts'
import type { Database } from './database.ts'
import type { Statements } from './sql.ts'

/** What is known of a task that can be claimed from now on. */
interface Ready {
  pool: string
  priority: number
}

/**
 * Says in which pools there is more to claim: here at once, to other processes in a transaction of its own after that of
 * the tasks. A commit that notifies holds up all others that do, until it is on disk; one that does nothing else does not.
 * Should it get lost, the next look finds the tasks.
 */
export class Claimable {
  readonly #announce: (pool: string) => void
  readonly #says: Coalescer<Ready, undefined>

  constructor(database: Database, sql: Statements, announce: (pool: string) => void) {
    this.#announce = announce
    this.#says = new Coalescer<Ready, undefined>(async (ready: Ready[]) => {
      await database.run(sql.tellAll, [textsOf(ready)])
      return []
    }, 5_000)
  }

  say(ready: readonly Ready[]): void {
    for (const one of ready) {
      this.#announce(one.pool)
      this.#says.ask(one).catch(() => {})
    }
  }

  /** Resolves when everything is said. */
  idle(): Promise<void> {
    return this.#says.idle()
  }
}

/** One for each pool, with its highest priority. */
function textsOf(ready: readonly Ready[]): string[] {
  const priorities = new Map<string, number>()
  for (const { pool, priority } of ready)
    priorities.set(pool, Math.max(priority, priorities.get(pool) ?? -Infinity))
  return Array.from(priorities, ([pool, priority]) => `c:${priority}:${pool}`)
}
