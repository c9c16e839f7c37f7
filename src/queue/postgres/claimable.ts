import { Coalescer } from './coalescer.ts'
import type { Database } from './database.ts'
import type { Statements } from './sql.ts'

/** What is known of a task that can be claimed from now on. */
export interface Ready {
  pool: string
  priority: number
}

/**
 * Says in which pools there is more to claim: here at once, to other processes in a transaction of its own after that of
 * the tasks. A commit that notifies holds up all others that do until it is on disk; one that does nothing else does not. Should news
 * get lost, the next look finds the tasks.
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
    this.announce(ready)
    for (const one of ready) this.#says.ask(one).catch(() => {})
  }

  /** Says it here only: the others were told with the tasks. */
  announce(ready: readonly Ready[]): void {
    for (const { pool } of ready) this.#announce(pool)
  }

  /** Resolves when everything is said. */
  idle(): Promise<void> {
    return this.#says.idle()
  }
}

/** What other processes are told: a text for each pool, with its highest priority. */
export function textsOf(ready: readonly Ready[]): string[] {
  const priorities = new Map<string, number>()
  for (const { pool, priority } of ready)
    priorities.set(pool, Math.max(priority, priorities.get(pool) ?? -Infinity))
  return Array.from(priorities, ([pool, priority]) => `c:${priority}:${pool}`)
}
