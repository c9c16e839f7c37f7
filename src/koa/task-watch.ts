import type { EventName, Events } from '../core/events.ts'

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

/** Calls back those who watch a task, with one listener an event however many they are, and none while nobody does. */
export class TaskWatch {
  readonly #events: Events
  readonly #watchers = new Map<string, Set<() => void>>()
  readonly #notify = ({ id }: { id: string }): void => {
    for (const changed of this.#watchers.get(id) ?? []) changed()
  }

  constructor(events: Events) {
    this.#events = events
  }

  /** Calls `changed` after every change of the task, until the function it gives back is called. */
  watch(id: string, changed: () => void): () => void {
    if (this.#watchers.size === 0) for (const name of changes) this.#events.on(name, this.#notify)
    const watchers = this.#watchers.get(id) ?? new Set()
    this.#watchers.set(id, watchers.add(changed))
    return () => this.#unwatch(id, changed)
  }

  #unwatch(id: string, changed: () => void): void {
    const watchers = this.#watchers.get(id)
    if (watchers?.delete(changed) && watchers.size === 0) this.#watchers.delete(id)
    if (this.#watchers.size === 0) for (const name of changes) this.#events.off(name, this.#notify)
  }
}
