import { setTimeout as wait } from 'node:timers/promises'
import type { Events, TaskEvent } from '../core/events.ts'
import { toFailure } from '../core/failure.ts'
import type { AttemptEnd, Runner } from '../core/pool.ts'
import type { ClaimedTask, NewTask, TaskRecord } from '../core/task.ts'
import type { Engine, Settlement } from '../queue/queue.ts'
import { followUpsOf, settle } from './settle.ts'

/** How long a pool claims nothing after the queue failed, in milliseconds. */
const pauseAfterError = 1_000

/**
 * Takes tasks out of the queue as pools have room. The life of an attempt is five steps, in this order:
 * claim, start, run, settle, record.
 */
export class Dispatcher {
  readonly #queue: Engine
  readonly #events: Events
  readonly #runners = new Map<string, Runner>()
  readonly #pumping = new Map<string, 'once' | 'again'>()
  /** Rounds and attempts that go on, which stop() waits for; they never reject. */
  readonly #work = new Set<Promise<boolean>>()
  #running = false

  constructor(queue: Engine, runners: Iterable<Runner>, events: Events) {
    this.#queue = queue
    this.#events = events
    for (const runner of runners) this.#runners.set(runner.name, runner)
    queue.onClaimable((pool) => this.#pump(pool))
    queue.subscribe({
      cancel: (id, attempt) => {
        for (const runner of this.#runners.values()) runner.cancel(id, attempt)
      },
      cancelled: (record) => this.#tellCancelled(record),
      added: ({ id, name, pool, addedAt }) =>
        this.#events.emit('task.added', { id, name, pool, at: addedAt, held: false }),
    })
  }

  start(): void {
    this.#running = true
    for (const pool of this.#runners.keys()) this.#pump(pool)
  }

  /** A pool may have room that it had not. */
  refill(pool: string): void {
    this.#pump(pool)
  }

  /** Claims nothing more, gives what runs `grace` milliseconds to end, then asks it to stop and ends the threads. */
  async stop(grace: number): Promise<void> {
    this.#running = false
    const ended = (async () => {
      while (this.#work.size > 0) await Promise.all(this.#work)
    })()
    // While this waits the process stays, or it would leave before the queue is closed.
    const waited = new AbortController()
    await Promise.race([ended, wait(grace, undefined, { signal: waited.signal }).catch(() => {})])
    waited.abort()
    await Promise.all(Array.from(this.#runners.values(), (runner) => runner.stop()))
    await ended
  }

  /** One round at a time a pool; what becomes claimable meanwhile makes it go round again. */
  #pump(pool: string): void {
    const runner = this.#runners.get(pool)
    if (!this.#running || runner === undefined) return
    if (this.#pumping.has(pool)) {
      this.#pumping.set(pool, 'again')
      return
    }
    this.#pumping.set(pool, 'once')
    void this.#track(this.#fill(runner), `filling pool ${pool}`).then(async (filled) => {
      if (!filled) await wait(pauseAfterError, undefined, { ref: false })
      const again = !filled || this.#pumping.get(pool) === 'again'
      this.#pumping.delete(pool)
      if (again) this.#pump(pool)
    })
  }

  async #fill(runner: Runner): Promise<void> {
    while (this.#running && runner.free > 0) {
      const tasks = await this.#queue.claim(runner.name, runner.free)
      if (tasks.length === 0) return
      if (!this.#running) return this.#giveBack(tasks)
      const started = await this.#start(tasks)
      for (const task of started)
        void this.#track(this.#attempt(runner, task), `running ${task.name} ${task.id}`)
    }
  }

  #giveBack(tasks: readonly ClaimedTask[]): Promise<void> {
    return this.#queue.giveBack(tasks.map(({ id }) => id))
  }

  /** Gives those that run from now on; one that was cancelled meanwhile does not. */
  async #start(tasks: readonly ClaimedTask[]): Promise<ClaimedTask[]> {
    const at = Date.now()
    const ids = tasks.map(({ id }) => id)
    const startedIds = await this.#queue.start(ids, at).catch(async (error: unknown) => {
      await this.#giveBack(tasks)
      throw error
    })
    const started =
      startedIds.length === tasks.length ? [...tasks] : tasks.filter(({ id }) => startedIds.includes(id))
    if (this.#events.has('task.started')) {
      for (const task of started) {
        const waited = at - task.addedAt
        this.#events.emit('task.started', { ...told(task, at), attempt: task.attempt, waited })
      }
    }
    return started
  }

  async #attempt(runner: Runner, task: ClaimedTask): Promise<void> {
    const end = await this.#run(runner, task)
    const settlement = settle(task, end)
    await this.#record(task, end, settlement)
    this.#pump(runner.name)
  }

  /** Runners do not reject; should one do so, its task has failed and the others go on. */
  async #run(runner: Runner, task: ClaimedTask): Promise<AttemptEnd> {
    try {
      return await runner.run(task)
    } catch (error) {
      this.#report(error, `running ${task.name} ${task.id}`)
      return { outcome: { kind: 'failed', failure: toFailure(error) }, startedAt: null, thread: null }
    }
  }

  async #record(task: ClaimedTask, end: AttemptEnd, settlement: Settlement): Promise<void> {
    const followUps = followUpsOf(end, settlement)
    const pausePool = end.outcome.kind === 'failed' && end.outcome.steering?.pausePool === true
    try {
      if (!(await this.#queue.record(task.id, task.attempt, settlement, followUps))) return
      if (pausePool) await this.#pause(task, end)
    } catch (error) {
      return this.#report(error, `recording the outcome of ${task.name} ${task.id}`)
    }
    const { at } = settlement
    const event = { ...told(task, at), attempt: task.attempt }
    const run = { thread: end.thread, duration: end.startedAt === null ? 0 : at - end.startedAt }
    for (const added of followUps) this.#events.emit('task.added', { ...told(added, at), held: false })
    switch (settlement.state) {
      case 'succeeded':
        return this.#events.emit('task.succeeded', { ...event, ...run })
      case 'failed':
        return this.#events.emit('task.failed', { ...event, ...run, failure: settlement.failure })
      case 'scheduled':
        return this.#events.emit('task.retried', {
          ...event,
          ...run,
          failure: settlement.failure,
          runAt: settlement.runAt,
        })
      case 'cancelled':
        return this.#events.emit('task.cancelled', { ...event, failure: settlement.failure })
      case 'queued':
        return this.#events.emit('task.interrupted', { ...event, failure: settlement.failure })
    }
  }

  /** Its pool stops, for the task says that nothing else in it can succeed. */
  async #pause(task: ClaimedTask, { outcome }: AttemptEnd): Promise<void> {
    await this.#queue.pause(task.options.pool)
    const reason = outcome.kind === 'failed' ? outcome.failure.message : ''
    this.#events.emit('pool.paused', { pool: task.options.pool, at: Date.now(), reason })
  }

  #tellCancelled({ id, name, pool, attempt, endedAt, error }: TaskRecord): void {
    this.#events.emit('task.cancelled', { id, name, pool, at: endedAt!, attempt, failure: error! })
  }

  /** Whether the work succeeded; if not, its error is reported. */
  #track(work: Promise<void>, during: string): Promise<boolean> {
    const settled = work
      .then(
        () => true,
        (error: unknown) => {
          this.#report(error, during)
          return false
        },
      )
      .finally(() => this.#work.delete(settled))
    this.#work.add(settled)
    return settled
  }

  #report(error: unknown, during: string): void {
    this.#events.emit('afterwork.error', {
      at: Date.now(),
      error: error instanceof Error ? error : new Error(String(error)),
      during,
    })
  }
}

function told({ id, name, options }: ClaimedTask | NewTask, at: number): TaskEvent {
  return { id, name, pool: options.pool, at }
}
