import type { Events } from './core/events.ts'
import type { TaskRecord } from './core/task.ts'
import type { Engine } from './queue/queue.ts'

/**
 * Gives the events of what no dispatcher can tell of: tasks that ended with a process that died, and what came of opening the
 * queue.
 */
export class Aftermath {
  /** What is told once tasks can be added, for a listener may want to. */
  #waiting: (() => void)[] | undefined = []

  constructor(engine: Engine, events: Events) {
    engine.subscribe({
      cancel: () => {},
      // From begin() on the dispatcher tells of these two.
      cancelled: (record) => this.#waiting?.push(() => tellEnd(events, record)),
      added: ({ id, name, pool, addedAt }) =>
        this.#waiting?.push(() => events.emit('task.added', { id, name, pool, at: addedAt, held: false })),
      lost: (record) => {
        if (this.#waiting === undefined) tellEnd(events, record)
        else this.#waiting.push(() => tellEnd(events, record))
      },
    })
  }

  /** Tells what there is to tell so far; the dispatcher must listen to the queue by now. */
  begin(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const tell of waiting) tell()
  }
}

/** Of a task that has failed or was cancelled; no thread of this process had it. */
function tellEnd(events: Events, record: TaskRecord): void {
  const { id, name, pool, attempt, startedAt, endedAt, error } = record
  const told = { id, name, pool, attempt, at: endedAt!, failure: error! }
  if (record.state === 'cancelled') events.emit('task.cancelled', told)
  else {
    const duration = startedAt === null ? 0 : endedAt! - startedAt
    events.emit('task.failed', { ...told, duration, thread: null })
  }
}
