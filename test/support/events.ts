import type { Afterwork, AfterworkEvents, EventName } from 'afterwork'

/** An event with its name, as an EventLog keeps it. */
export type Seen<K extends EventName = EventName> = { [N in K]: AfterworkEvents[N][0] & { event: N } }[K]

const names: EventName[] = [
  'afterwork.started',
  'afterwork.stopped',
  'afterwork.error',
  'task.added',
  'task.released',
  'task.dropped',
  'task.started',
  'task.progress',
  'task.log',
  'task.succeeded',
  'task.retried',
  'task.interrupted',
  'task.failed',
  'pool.paused',
  'pool.resumed',
]

/** How long a test waits for an event before it says what it saw instead, in milliseconds. */
const deadline = 90_000

/** Every event of an app from the start, so that a test can wait for one that may have come already. */
export class EventLog {
  readonly seen: Seen[] = []
  readonly #watchers = new Set<() => void>()

  constructor(afterwork: Afterwork) {
    for (const name of names) {
      afterwork.on(name, (told) => {
        this.seen.push({ ...told, event: name } as Seen)
        for (const look of this.#watchers) look()
      })
    }
  }

  /** The first event of this name that matches, past or to come. */
  until<K extends EventName>(name: K, matches: (event: Seen<K>) => boolean = () => true): Promise<Seen<K>> {
    return this.#find(name, () => this.of(name).find(matches))
  }

  /** How a task ended, past or to come. */
  async ended(id: string): Promise<'succeeded' | 'failed'> {
    const isEnd = ({ event }: Seen) => event === 'task.succeeded' || event === 'task.failed'
    const end = await this.#find(`end of ${id}`, () =>
      this.seen.find((event) => isEnd(event) && 'id' in event && event.id === id),
    )
    return end.event === 'task.succeeded' ? 'succeeded' : 'failed'
  }

  /** All events of one name so far. */
  of<K extends EventName>(name: K): Seen<K>[] {
    return this.seen.filter(({ event }) => event === name) as unknown[] as Seen<K>[]
  }

  /** Names of the events of one task so far. */
  life(id: string): EventName[] {
    return this.seen.filter((event) => 'id' in event && event.id === id).map(({ event }) => event)
  }

  #find<T>(what: string, find: () => T | undefined): Promise<T> {
    const found = find()
    if (found !== undefined) return Promise.resolve(found)
    return new Promise((resolve, reject) => {
      const look = () => {
        const event = find()
        if (event === undefined) return
        done()
        resolve(event)
      }
      const timer = setTimeout(() => {
        done()
        reject(new Error(`No ${what} came; what came last: ${this.seen.slice(-12).map(brief).join(', ')}`))
      }, deadline)
      const done = () => {
        clearTimeout(timer)
        this.#watchers.delete(look)
      }
      this.#watchers.add(look)
    })
  }
}

function brief(event: Seen): string {
  if (event.event === 'afterwork.error') return `${event.event} while ${event.during}: ${event.error.stack}`
  return 'id' in event ? `${event.event} ${event.name} ${event.id.slice(-4)}` : event.event
}
