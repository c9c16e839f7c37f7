import { copyFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ExecutionContext } from 'ava'
import type { QueueBounds, Retention } from '../../../src/queue/queue.ts'
import { SqliteQueue, type SqliteParts } from '../../../src/queue/sqlite/engine.ts'
import { taskStates, type TaskState } from '../../../src/core/task.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { Subject } from '../conformance/subject.ts'
import type { death } from './death.ts'

/** What a test may say of its queue. */
export interface Wishes extends Omit<SqliteParts, 'startStore'> {
  bounds?: Partial<QueueBounds>
  retention?: Partial<Retention>
  file?: string
  /** What to open it with. */
  Engine?: typeof SqliteQueue
}

/** A queue on a file, open, whose store can be made to die. */
export class OpenedQueue extends Subject {
  override readonly engine: SqliteQueue
  readonly file: string
  /** The store threads that were started, one after the other. */
  readonly stores: Worker[]
  /** What the engine could tell nobody else. */
  readonly errors: { error: Error; during: string }[] = []
  readonly #dies: Int32Array

  constructor(engine: SqliteQueue, file: string, stores: Worker[], dies: Int32Array) {
    super(engine)
    this.engine = engine
    this.file = file
    this.stores = stores
    this.#dies = dies
    engine.onError((error, during) => this.errors.push({ error, during }))
  }

  /** The next thing that the store is asked kills it, before or after it has committed it. */
  dieAt(when: (typeof death)[keyof typeof death]): void {
    Atomics.store(this.#dies, 0, when)
  }

  /** How many tasks are in each state, counted one by one; those that are not zero. */
  async counted(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {}
    const states = await Promise.all(
      taskStates.map(async (state: TaskState) => {
        const records = await this.engine.list({ state, limit: 100_000 })
        return [state, records.length] as const
      }),
    )
    for (const [state, count] of states) if (count > 0) counts[state] = count
    return counts
  }

  /** Leaves the queue as a crash would, and opens another on a copy of its files. */
  async crash(t: ExecutionContext, wishes: Wishes = {}): Promise<OpenedQueue> {
    await this.engine.counters()
    const file = join(await temporaryFolder(t), 'queue.db')
    for (const ending of ['', '-wal']) await copyFile(this.file + ending, file + ending)
    await this.engine.close()
    return await openQueue(t, { ...wishes, file })
  }
}

/** Opens a queue, on a file of its own unless it is told one; it is closed when the test ends. */
export async function openQueue(t: ExecutionContext, wishes: Wishes = {}): Promise<OpenedQueue> {
  const { bounds, retention, Engine = SqliteQueue, ...parts } = wishes
  const { file = join(await temporaryFolder(t), 'queue.db') } = wishes
  const dies = new Int32Array(new SharedArrayBuffer(4))
  const stores: Worker[] = []
  const engine = new Engine(
    file,
    { maxTasks: 100_000, maxBytes: 1e9, ...bounds },
    { tasks: 1_000, ...retention },
    {
      ...parts,
      startStore(data) {
        const store = new Worker(new URL('./dying-store.ts', import.meta.url), {
          workerData: { ...data, dies },
        })
        stores.push(store)
        return store
      },
    },
  )
  const opened = new OpenedQueue(engine, file, stores, dies)
  t.teardown(() => engine.close())
  await engine.open()
  return opened
}

export function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}
