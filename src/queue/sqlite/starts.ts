import { seqsOf, type Entry } from './entry.ts'
import type { StoreLink } from './link.ts'
import { ask } from './message.ts'
import { attemptState } from './sql.ts'

/**
 * Starts that nobody waits for: the store knows that the task may run any moment. They are noted with other lazy
 * operations, unless the task has ended by then.
 */
export class Starts {
  readonly #link: StoreLink
  readonly #unnoted = new Set<Entry>()

  constructor(link: StoreLink) {
    this.#link = link
  }

  add(entry: Entry): void {
    this.#unnoted.add(entry)
    this.#link.schedule()
  }

  /** Its end will say it. */
  forget(entry: Entry): void {
    this.#unnoted.delete(entry)
  }

  /** Sends those that go on. */
  send(): void {
    if (this.#unnoted.size === 0) return
    const byTime = Map.groupBy(this.#unnoted, ({ startedAt }) => startedAt)
    this.#unnoted.clear()
    for (const [at, entries] of byTime) {
      const lost = (): void => {
        for (const entry of entries) if (entry.running && !entry.settling) this.#unnoted.add(entry)
      }
      this.#link.send({
        fields: [ask.start, attemptState.running, at, seqsOf(entries)],
        lost,
        manner: 'lazy',
      })
    }
  }
}
