import type { Changes, News } from './changes.ts'
import { Coalescer } from './coalescer.ts'
import type { Statements } from './sql.ts'

/** What may have been stored, or may yet be, though its caller was told that it was not. */
export interface Doubt {
  ids: readonly string[]
  receipt?: { key: string; answer: string } | undefined
  /** From then on nothing of it is stored any more, in milliseconds by the clock of the database. */
  until: number
}

/** How much later than that it is looked at for the last time, in milliseconds: timers are early, clocks not quite the same. */
const margin = 250

/**
 * Takes back what is in doubt: at once, so that nothing of it begins, and once more when nothing of it can arrive any more. A
 * question may be on its way for as long as the network likes, also when the connection that it was asked on has ended here.
 */
export class Undoing {
  readonly #sql: Statements
  readonly #changes: Changes
  readonly #persist: <T>(during: string, work: () => Promise<T>) => Promise<T>
  readonly #undos = new Coalescer<readonly string[], number>((ids) => this.#undoTasks(ids))
  readonly #going = new Set<Promise<void>>()
  readonly #waiting = new Set<() => void>()
  #stopped = false

  /** `persist` tries again until it is done. */
  constructor(
    sql: Statements,
    changes: Changes,
    persist: <T>(during: string, work: () => Promise<T>) => Promise<T>,
  ) {
    this.#sql = sql
    this.#changes = changes
    this.#persist = persist
  }

  undo(doubt: Doubt): void {
    // It goes on until the database is back, or this process stops.
    const going = this.#undo(doubt)
      .catch(() => {})
      .finally(() => this.#going.delete(going))
    this.#going.add(going)
  }

  /** Waits for nothing that is still to come: of a process that is gone nothing is stored. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const wake of this.#waiting) wake()
    await Promise.all(this.#going)
  }

  async #undo({ ids, receipt, until }: Doubt): Promise<void> {
    for (;;) {
      const last = this.#stopped
      const now = receipt === undefined ? await this.#undos.ask(ids) : await this.#ask(ids, receipt)
      if (last || now > until) return
      await this.#sleep(until - now + margin)
    }
  }

  async #undoTasks(all: readonly (readonly string[])[]): Promise<number[]> {
    const now = await this.#ask(all.flat())
    return all.map(() => now)
  }

  /** Gives what time it was before, by the clock of the database. */
  #ask(ids: readonly string[], receipt?: Doubt['receipt']): Promise<number> {
    const values = [ids, receipt?.key ?? null, receipt?.answer ?? null]
    return this.#persist('taking back tasks that may have been stored', () =>
      this.#changes.make(async (run) => {
        const [row] = await run<{ now: number; news: News }>(this.#sql.undo, values)
        return { news: row!.news, value: row!.now }
      }),
    )
  }

  #sleep(milliseconds: number): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, Math.min(milliseconds, 60_000))
      this.#waiting.add(wake)
    })
  }
}
