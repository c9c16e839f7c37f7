import { setTimeout as wait } from 'node:timers/promises'
import { hasEnded, taskStates } from '../core/task.ts'
import type { MakeMetrics } from './make-metrics.ts'

/** How long a scrape waits for the queue, in milliseconds. */
const patience = 1_000

const waiting = taskStates.filter((state) => !hasEnded(state))

/**
 * How much waits, and for how long: asked of the queue at each scrape. What it does not say in time is left out, for an
 * old number would look well just when the queue is not.
 */
export const queueMetrics: MakeMetrics = (client, registry, sources) => {
  const counters = new Question(async () => sources.records()?.counters())
  const oldest = new Question(async () => sources.records()?.oldest())
  const registers = [registry]
  new client.Gauge({
    name: 'afterwork_queue_depth',
    help: 'Tasks that have not ended, by state; left out while the queue does not answer',
    labelNames: ['state'],
    registers,
    async collect() {
      const counts = await counters.answer()
      this.reset()
      if (counts !== undefined) for (const state of waiting) this.set({ state }, counts[state])
    },
  })
  new client.Gauge({
    name: 'afterwork_queue_oldest_seconds',
    help: 'Age of the oldest task that waits, 0 when none does; left out while the queue does not answer',
    registers,
    async collect() {
      const addedAt = await oldest.answer()
      if (addedAt === undefined) this.remove()
      else this.set(addedAt === null ? 0 : Math.max(0, Date.now() - addedAt) / 1_000)
    },
  })
  return () => () => {}
}

/** Something that is asked one time at a time, however many want to know, and however long the answer takes. */
class Question<T> {
  readonly #ask: () => Promise<T | undefined>
  #asked: Promise<T | undefined> | undefined

  constructor(ask: () => Promise<T | undefined>) {
    this.#ask = ask
  }

  /** Undefined when there is no answer in time; never rejects. */
  async answer(): Promise<T | undefined> {
    this.#asked ??= this.#ask()
      .catch(() => undefined)
      .finally(() => (this.#asked = undefined))
    const answered = new AbortController()
    const late = wait(patience, undefined, { signal: answered.signal }).catch(() => undefined)
    try {
      return await Promise.race([this.#asked, late])
    } finally {
      answered.abort()
    }
  }
}
