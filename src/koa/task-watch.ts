import type { EventName, Events } from '../core/events.ts'
import type { Records } from '../queue/queue.ts'

/** The events after which a task looks different. */
const changes = [
  'task.released',
  'task.started',
  'task.progress',
  'task.succeeded',
  'task.retried',
  'task.interrupted',
  'task.failed',
  'task.cancelled',
  'task.requeued',
] as const satisfies readonly EventName[]

/** Who watches a task. */
interface Watchers {
  all: Set<() => void>
  /** Ends the watch over what other processes do. */
  leave: () => void
}

/** Calls back those who watch a task, with one listener an event however many they are, and none while nobody does. */
export class TaskWatch {
  readonly #events: Events
  readonly #records: Pick<Records, 'watch'>
  readonly #watchers = new Map<string, Watchers>()
  readonly #notify = ({ id }: { id: string }): void => {
    for (const changed of this.#watchers.get(id)?.all ?? []) changed()
  }

  /** `events` are those of this process; of what others do, `records` knows. */
  constructor(events: Events, records: Pick<Records, 'watch'>) {
    this.#events = events
    this.#records = records
  }

  /** Calls `changed` after every change of the task, until the function it gives back is called. */
  watch(id: string, changed: () => void): () => void {
    if (this.#watchers.size === 0) for (const name of changes) this.#events.on(name, this.#notify)
    const watchers = this.#watchers.get(id) ?? this.#begin(id)
    watchers.all.add(changed)
    return () => this.#unwatch(id, changed)
  }

  #begin(id: string): Watchers {
    const leave = this.#records.watch?.(id, () => this.#notify({ id }))
    const watchers = { all: new Set<() => void>(), leave: leave ?? (() => {}) }
    this.#watchers.set(id, watchers)
    return watchers
  }

  #unwatch(id: string, changed: () => void): void {
    const watchers = this.#watchers.get(id)
    if (watchers?.all.delete(changed) && watchers.all.size === 0) {
      watchers.leave()
      this.#watchers.delete(id)
    }
    if (this.#watchers.size === 0) for (const name of changes) this.#events.off(name, this.#notify)
  }
}
