import type { ExecutionContext } from 'ava'
import {
  createAfterwork,
  type Afterwork,
  type AfterworkEvents,
  type AfterworkOptions,
  type EventName,
  type TaskRecord,
} from 'afterwork'
import { decodeValue } from '../../src/core/value.ts'
import { tasks } from './tasks.ts'

/** How long a test waits for an event, in milliseconds. */
const deadline = 90_000

type Event = { [K in EventName]: { event: K } & AfterworkEvents[K][0] }[EventName]

const names: EventName[] = [
  'afterwork.error',
  'task.added',
  'task.started',
  'task.progress',
  'task.log',
  'task.succeeded',
  'task.retried',
  'task.interrupted',
  'task.cancelled',
  'task.failed',
  'pool.paused',
  'pool.resumed',
  'pool.resized',
]
const ends: EventName[] = ['task.succeeded', 'task.failed', 'task.cancelled']

/** An app without Koa, and all that it told. */
export class App {
  readonly afterwork: Afterwork
  readonly seen: Event[] = []
  readonly #watchers = new Set<() => void>()

  constructor(options: Partial<AfterworkOptions> = {}) {
    const pools = {
      cpu: { minThreads: 1, maxThreads: 2, nice: 0 },
      mail: { minThreads: 0, maxThreads: 1, concurrency: 10, nice: 0 },
    }
    this.afterwork = createAfterwork({ tasks, logger: false, queue: 'memory:', drain: 0, pools, ...options })
    for (const name of names) {
      this.afterwork.on(name, (told) => {
        this.seen.push({ event: name, ...told } as Event)
        for (const look of this.#watchers) look()
      })
    }
  }

  /** The first event of this name that matches, past or to come. */
  until<K extends EventName>(
    name: K,
    matches: (event: AfterworkEvents[K][0]) => boolean = () => true,
  ): Promise<AfterworkEvents[K][0]> {
    const find = () => this.of(name).find(matches)
    return this.#find(name, find)
  }

  of<K extends EventName>(name: K): AfterworkEvents[K][0][] {
    return this.seen.filter(({ event }) => event === name) as unknown[] as AfterworkEvents[K][0][]
  }

  /** Resolves once a task says that it waits. */
  async waits({ id }: { id: string }): Promise<void> {
    await this.until('task.log', (line) => line.id === id && line.message === 'waiting')
  }

  /** The record of a task once it has ended. */
  async ended({ id }: { id: string }): Promise<TaskRecord> {
    const isEnd = (event: Event) => ends.includes(event.event) && 'id' in event && event.id === id
    await this.#find(`end of ${id}`, () => this.seen.find(isEnd))
    return (await this.afterwork.records.get(id))!
  }

  #find<T>(what: string, find: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = find()
        if (found === undefined) return
        clearTimeout(timer)
        this.#watchers.delete(look)
        resolve(found)
      }
      const timer = setTimeout(() => {
        this.#watchers.delete(look)
        const last = this.seen
          .slice(-12)
          .map((event) => `${event.event} ${'name' in event ? event.name : ''}`)
        reject(new Error(`No ${what} came; what came last: ${last.join(', ')}`))
      }, deadline)
      this.#watchers.add(look)
      look()
    })
  }
}

/** An app that is started, and stops when the test ends. */
export async function start(t: ExecutionContext, options: Partial<AfterworkOptions> = {}): Promise<App> {
  const app = new App(options)
  t.teardown(() => app.afterwork.stop())
  await app.afterwork.start()
  return app
}

/** What a task gave. */
export function resultOf({ result }: TaskRecord): any {
  return result === null ? null : decodeValue(result)
}
