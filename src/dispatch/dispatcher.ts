import { setTimeout as wait } from 'node:timers/promises'
import type { Events, TaskEvent } from '../core/events.ts'
import type { AttemptEnd, Runner } from '../core/pool.ts'
import type { ClaimedTask } from '../core/task.ts'
import type { Queue, Settlement } from '../queue/queue.ts'
import { retryAt } from './retry.ts'

/**
 * Takes tasks out of the queue as pools have room. The life of an attempt is five steps, in this order:
 * claim, start, run, settle, record.
 */
export class Dispatcher {
  readonly #queue: Queue
  readonly #events: Events
  readonly #runners = new Map<string, Runner>()
  readonly #pumping = new Map<string, 'once' | 'again'>()
  readonly #attempts = new Set<Promise<void>>()
  #running = false

  constructor(queue: Queue, runners: Iterable<Runner>, events: Events) {
    this.#queue = queue
    this.#events = events
    for (const runner of runners) this.#runners.set(runner.name, runner)
    queue.onClaimable((pool) => this.#pump(pool))
  }

  start(): void {
    this.#running = true
    for (const pool of this.#runners.keys()) this.#pump(pool)
  }

  /** Claims nothing more, gives what runs `grace` milliseconds to end, then asks it to stop and ends the threads. */
  async stop(grace: number): Promise<void> {
    this.#running = false
    const ended = (async () => {
      while (this.#attempts.size > 0) await Promise.all(this.#attempts)
    })()
    await Promise.race([ended, wait(grace, undefined, { ref: false })])
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
    void this.#fill(runner)
      .catch((error: unknown) => this.#report(error, `filling pool ${pool}`))
      .finally(() => {
        const again = this.#pumping.get(pool) === 'again'
        this.#pumping.delete(pool)
        if (again) this.#pump(pool)
      })
  }

  async #fill(runner: Runner): Promise<void> {
    while (this.#running && runner.free > 0) {
      const tasks = await this.#queue.claim(runner.name, runner.free)
      if (tasks.length === 0) return
      if (!this.#running) return this.#queue.giveBack(tasks.map(({ id }) => id))
      await this.#start(tasks)
      for (const task of tasks) this.#track(this.#attempt(runner, task))
    }
  }

  async #start(tasks: readonly ClaimedTask[]): Promise<void> {
    const at = Date.now()
    await this.#queue.start(
      tasks.map(({ id }) => id),
      at,
    )
    if (!this.#events.has('task.started')) return
    for (const task of tasks) {
      this.#events.emit('task.started', {
        ...told(task, at),
        attempt: task.attempt,
        waited: at - task.addedAt,
      })
    }
  }

  async #attempt(runner: Runner, task: ClaimedTask): Promise<void> {
    const end = await runner.run(task)
    const settlement = settle(task, end)
    await this.#record(task, end, settlement)
    this.#pump(runner.name)
  }

  async #record(task: ClaimedTask, end: AttemptEnd, settlement: Settlement): Promise<void> {
    try {
      if (!(await this.#queue.record(task.id, task.attempt, settlement))) return
    } catch (error) {
      return this.#report(error, `recording the outcome of ${task.name} ${task.id}`)
    }
    const { at } = settlement
    const event = { ...told(task, at), attempt: task.attempt }
    const run = { thread: end.thread, duration: end.startedAt === null ? 0 : at - end.startedAt }
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
      case 'queued':
        return this.#events.emit('task.interrupted', { ...event, failure: settlement.failure })
    }
  }

  #track(attempt: Promise<void>): void {
    this.#attempts.add(attempt)
    void attempt
      .catch((error: unknown) => this.#report(error, 'running a task'))
      .finally(() => this.#attempts.delete(attempt))
  }

  #report(error: unknown, during: string): void {
    this.#events.emit('afterwork.error', {
      at: Date.now(),
      error: error instanceof Error ? error : new Error(String(error)),
      during,
    })
  }
}

/** What the outcome of an attempt makes of its task. */
function settle(task: ClaimedTask, { outcome }: AttemptEnd): Settlement {
  const at = Date.now()
  switch (outcome.kind) {
    case 'succeeded':
      return { state: 'succeeded', at, result: outcome.result ?? null }
    case 'interrupted':
      return { state: 'queued', at, failure: outcome.failure }
    case 'failed': {
      const { failure, retry } = outcome
      const runAt = retryAt(task, retry, at)
      return runAt === null ? { state: 'failed', at, failure } : { state: 'scheduled', at, failure, runAt }
    }
  }
}

function told({ id, name, options }: ClaimedTask, at: number): TaskEvent {
  return { id, name, pool: options.pool, at }
}
