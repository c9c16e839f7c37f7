import type { ExecutionContext } from 'ava'
import { toFailure } from '../../../src/core/failure.ts'
import { newId } from '../../../src/core/id.ts'
import { defaults, type ResolvedOptions } from '../../../src/core/options.ts'
import type { StoredFile } from '../../../src/core/stored-file.ts'
import type { ClaimedTask, NewTask, TaskRecord } from '../../../src/core/task.ts'
import type { Engine, QueueBounds, Retention, Settlement } from '../../../src/queue/queue.ts'

/** Opens an empty engine; what it leaves behind is removed in the teardown of the test. */
export type Open = (
  t: ExecutionContext,
  bounds: QueueBounds,
  retention: Retention,
) => Promise<Engine | Durable>

/** An engine that keeps its tasks. */
export interface Durable {
  engine: Engine
  /**
   * Leaves the engine as a crash would, and opens another on what it kept: held tasks are released, claimed ones given
   * back, and those that ran are queued again as suspects, with that attempt counted.
   */
  reopen: () => Promise<Engine>
}

/** Opens an engine for one test, with bounds and retention that matter to no other. */
export type OpenSubject = (
  t: ExecutionContext,
  limits?: { bounds?: Partial<QueueBounds>; retention?: Partial<Retention> },
) => Promise<Subject>

/** What a test may say of a new task; by default it is in a group of its own. */
export interface Wanted extends Partial<Omit<NewTask, 'options'>> {
  options?: Partial<ResolvedOptions>
}

export function newTask({ options, ...given }: Wanted = {}): NewTask {
  const id = newId()
  return {
    id,
    name: 'files.resize',
    args: '[]',
    files: [],
    group: id,
    ...given,
    options: { ...defaults, ...options },
  }
}

/** Tasks of one group, in this order. */
export function newGroup(...wanted: Wanted[]): NewTask[] {
  const group = newId()
  return wanted.map((one) => newTask({ group, ...one }))
}

export function storedFile(): StoredFile {
  const id = newId()
  return { id, name: 'photo.jpg', type: 'image/jpeg', size: 5, path: `/data/files/${id}` }
}

export const failure = toFailure(new RangeError('too far'))
export const hour = 3_600_000

export function succeeded(result: string | null = null): Settlement {
  return { state: 'succeeded', at: Date.now(), result }
}

export function failed(): Settlement {
  return { state: 'failed', at: Date.now(), failure }
}

export function retried(runAt: number): Settlement {
  return { state: 'scheduled', at: Date.now(), failure, runAt }
}

export function interrupted(): Settlement {
  return { state: 'queued', at: Date.now(), failure }
}

export function cancelled(): Settlement {
  return { state: 'cancelled', at: Date.now(), failure }
}

export function ids(tasks: readonly { id: string }[]): string[] {
  return tasks.map(({ id }) => id)
}

/** An engine under test, and the few things that every test does with it. */
export class Subject {
  readonly engine: Engine
  /** What the engine has told of so far. */
  readonly told = {
    cancel: [] as { id: string; attempt: number }[],
    cancelled: [] as TaskRecord[],
    added: [] as TaskRecord[],
    claimable: new Set<string>(),
  }
  #waiting: (() => void)[] = []

  constructor(engine: Engine) {
    this.engine = engine
    engine.onClaimable((pool) => {
      this.told.claimable.add(pool)
      this.#wake()
    })
    engine.subscribe({
      cancel: (id, attempt) => {
        this.told.cancel.push({ id, attempt })
        this.#wake()
      },
      cancelled: (record) => {
        this.told.cancelled.push(record)
        this.#wake()
      },
      added: (record) => {
        this.told.added.push(record)
        this.#wake()
      },
    })
  }

  /** Waits until the engine has told what makes this true. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#news()
  }

  async add(...tasks: NewTask[]): Promise<void> {
    await this.engine.add(tasks, { held: false })
  }

  async hold(...tasks: NewTask[]): Promise<void> {
    await this.engine.add(tasks, { held: true })
  }

  /** What can be claimed now, as ids. */
  async claim(limit = 100, pool = 'cpu'): Promise<string[]> {
    return ids(await this.engine.claim(pool, limit))
  }

  /** The next task of the pool, once there is one. */
  async next(pool = 'cpu'): Promise<ClaimedTask> {
    for (;;) {
      const news = this.#news()
      const [task] = await this.engine.claim(pool, 1)
      if (task !== undefined) return task
      await news
    }
  }

  /** Starts a claimed task; its attempt is the next one. */
  async start(...tasks: { id: string }[]): Promise<void> {
    await this.engine.start(ids(tasks), Date.now())
  }

  /** Claims the next task, which must be this one, and starts it. */
  async run(t: ExecutionContext, { id }: { id: string }, pool = 'cpu'): Promise<ClaimedTask> {
    const task = await this.next(pool)
    t.is(task.id, id)
    await this.start(task)
    return task
  }

  /** Runs the next task, which must be this one, to this end. */
  async end(
    t: ExecutionContext,
    task: { id: string },
    settlement: Settlement = succeeded(),
    followUps?: NewTask[],
  ): Promise<ClaimedTask> {
    const claimed = await this.run(t, task)
    t.true(await this.engine.record(claimed.id, claimed.attempt, settlement, followUps))
    return claimed
  }

  async state({ id }: { id: string }): Promise<string | undefined> {
    return (await this.engine.get(id))?.state
  }

  /** The counters that are not zero. */
  async counters(): Promise<Record<string, number>> {
    const counters = Object.entries(await this.engine.counters())
    return Object.fromEntries(counters.filter(([, count]) => count !== 0))
  }

  #news(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
