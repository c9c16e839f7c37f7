import { setTimeout as wait } from 'node:timers/promises'
import { systemClock, type Clock } from '../core/clock.ts'
import type { Events, TaskEvent } from '../core/events.ts'
import { toFailure } from '../core/failure.ts'
import type { AttemptEnd, Runner } from '../core/pool.ts'
import type { ClaimedTask, NewTask, TaskRecord } from '../core/task.ts'
import type { Engine, MaybePromise, Settlement } from '../queue/queue.ts'
import { followUpsOf, settle } from './settle.ts'

/** How long a pool claims nothing, or an outcome waits to be recorded again, after the queue failed, in milliseconds. */
const pauseAfterError = 1_000
/** How long a process that is not idle leaves suspects to others that are, in milliseconds. */
const leavesSuspects = 1_500
/** How long stop() waits for outcomes that the queue does not take, in milliseconds. */
const lastWait = 5_000

/**
 * Takes tasks out of the queue as pools have room. The life of an attempt is five steps, in this order:
 * claim, start, run, settle, record.
 */
export class Dispatcher {
  readonly #queue: Engine
  readonly #events: Events
  readonly #now: () => number
  readonly #runners = new Map<string, Runner>()
  readonly #pumping = new Map<string, 'once' | 'again'>()
  /** How many rounds and attempts go on. */
  #busy = 0
  #onIdle: (() => void)[] = []
  #running = false
  /** Suspects run, one at a time; no pool is filled. */
  #quarantine: Promise<void> | undefined
  /** When suspects of another process were first and last seen, on the clock of performance.now(). */
  #suspectsSince = Infinity
  #suspectsSeen = -Infinity
  /** stop() waits no more for outcomes that the queue does not take. */
  #abandoned = false

  constructor(queue: Engine, runners: Iterable<Runner>, events: Events, clock: Clock = systemClock) {
    this.#queue = queue
    this.#events = events
    this.#now = clock.now
    for (const runner of runners) this.#runners.set(runner.name, runner)
    queue.onClaimable((pool) => this.#pump(pool))
    queue.onSuspect(() => this.#suspectsWait())
    queue.subscribe({
      cancel: (id, attempt) => {
        for (const runner of this.#runners.values()) runner.cancel(id, attempt)
      },
      cancelled: (record) => this.#tellCancelled(record),
      added: ({ id, name, pool, addedAt }) =>
        this.#events.emit('task.added', { id, name, pool, at: addedAt, held: false }),
    })
    queue.onError((error, during) => this.#report(error, during))
  }

  start(): void {
    this.#running = true
    this.#runSuspects()
  }

  /** A pool may have room that it had not. */
  refill(pool: string): void {
    this.#pump(pool)
  }

  /** Starts tasks of a paused pool again, its suspects first. */
  async resume(pool: string): Promise<void> {
    await this.#quarantine
    const resumed = this.#queue.resume(pool)
    this.#runSuspects()
    await resumed
  }

  /** Claims nothing more, gives what runs `grace` milliseconds to end, then asks it to stop and ends the threads. */
  async stop(grace: number): Promise<void> {
    this.#running = false
    await this.#idleWithin(grace)
    await Promise.all(Array.from(this.#runners.values(), (runner) => runner.stop()))
    await this.#idleWithin(lastWait)
    this.#abandoned = true
    await this.idle()
    await this.#quarantine
  }

  /** Another process has died. Whoever is idle runs its suspects; where nobody is, all that work become idle for them. */
  #suspectsWait(): void {
    if (!this.#running || this.#quarantine !== undefined) return
    const now = performance.now()
    if (!this.busy || now - this.#suspectsSince > leavesSuspects) this.#runSuspects()
    // The engine calls back for as long as there are any.
    else if (now - this.#suspectsSeen > 2 * leavesSuspects) this.#suspectsSince = now
    this.#suspectsSeen = now
  }

  /**
   * Tasks that ran when the process before this one crashed may crash this one as well: they run before all others and
   * with none beside them, to cost nobody else anything and to be found out.
   */
  #runSuspects(): void {
    this.#quarantine ??= this.#drainSuspects()
      .catch((error: unknown) => this.#report(error, 'running what ran at the crash'))
      .finally(() => {
        this.#quarantine = undefined
        for (const pool of this.#runners.keys()) this.#pump(pool)
      })
  }

  async #drainSuspects(): Promise<void> {
    while (this.#running) {
      const suspect = await this.#queue.claimSuspect(this.#runners.keys())
      if (suspect === undefined) return
      if (this.busy) {
        await this.#giveBack([suspect])
        // Meanwhile another process may take it.
        await this.#idleWithin(pauseAfterError)
        continue
      }
      if (!this.#running) return this.#giveBack([suspect])
      const runner = this.#runners.get(suspect.options.pool)!
      const started = await this.#startAlone(suspect)
      // Nothing may run beside it: all others wait with it until the queue takes its start.
      if (started === undefined) await wait(pauseAfterError)
      // Alone in the process it needs no thread of its own.
      for (const task of started ?? []) await this.#attempt(runner, { ...task, suspect: false })
    }
  }

  /** Undefined when the queue does not take the start. */
  async #startAlone(suspect: ClaimedTask): Promise<readonly ClaimedTask[] | undefined> {
    try {
      return await this.#start([suspect], true)
    } catch (error) {
      this.#report(error, `starting ${suspect.name} ${suspect.id} alone`)
      return undefined
    }
  }

  /** One round at a time a pool; what becomes claimable meanwhile makes it go round again. */
  #pump(pool: string): void {
    const runner = this.#runners.get(pool)
    if (!this.#claims || runner === undefined) return
    if (this.#pumping.has(pool)) {
      this.#pumping.set(pool, 'again')
      return
    }
    this.#pumping.set(pool, 'once')
    this.#round(runner)
  }

  /** Most rounds wait for nothing, and are over when this returns. */
  #round(runner: Runner): void {
    this.#began()
    let filling: MaybePromise<void>
    try {
      filling = this.#fill(runner)
    } catch (error) {
      filling = Promise.reject(error as Error)
    }
    if (!(filling instanceof Promise)) return this.#roundOver(runner)
    void filling.then(
      () => this.#roundOver(runner),
      (error: unknown) => this.#roundFailed(runner, error),
    )
  }

  #roundOver({ name }: Runner): void {
    this.#ended()
    const again = this.#pumping.get(name) === 'again'
    this.#pumping.delete(name)
    if (again) this.#pump(name)
  }

  async #roundFailed({ name }: Runner, error: unknown): Promise<void> {
    this.#report(error, `filling pool ${name}`)
    this.#ended()
    await wait(pauseAfterError, undefined, { ref: false })
    this.#pumping.delete(name)
    this.#pump(name)
  }

  /** Claims and starts as much as there is room for; of more than the queue gives now it tells. */
  #fill(runner: Runner): MaybePromise<void> {
    while (this.#claims && runner.free > 0) {
      const claimed = this.#queue.claim(runner.name, runner.free)
      const more =
        claimed instanceof Promise
          ? claimed.then((tasks) => this.#startAll(runner, tasks))
          : this.#startAll(runner, claimed)
      if (more instanceof Promise) return more.then((goOn) => (goOn ? this.#fill(runner) : undefined))
      if (!more) return
    }
  }

  /** Starts what was claimed; true when some of it did not start, and there is room again of which nobody tells. */
  #startAll(runner: Runner, tasks: readonly ClaimedTask[]): MaybePromise<boolean> {
    if (tasks.length === 0) return false
    if (!this.#claims) return this.#giveBack(tasks).then(() => false)
    const run = (started: readonly ClaimedTask[]): boolean => {
      for (const task of started) void this.#attempt(runner, task)
      return started.length < tasks.length
    }
    const started = this.#start(tasks)
    return started instanceof Promise ? started.then(run) : run(started)
  }

  /** Whether tasks are claimed for all pools that have room. */
  get #claims(): boolean {
    return this.#running && this.#quarantine === undefined
  }

  #giveBack(tasks: readonly ClaimedTask[]): Promise<void> {
    return this.#queue.giveBack(tasks.map(({ id }) => id))
  }

  /** Gives those that run from now on; one that was cancelled meanwhile does not. */
  #start(tasks: readonly ClaimedTask[], alone = false): MaybePromise<readonly ClaimedTask[]> {
    const at = this.#now()
    const ids = tasks.map(({ id }) => id)
    const starting = this.#queue.start(ids, at, alone)
    if (!(starting instanceof Promise)) return this.#started(tasks, starting, at)
    return starting.then(
      (startedIds) => this.#started(tasks, startedIds, at),
      async (error: unknown) => {
        await this.#giveBack(tasks)
        throw error
      },
    )
  }

  #started(tasks: readonly ClaimedTask[], startedIds: readonly string[], at: number): readonly ClaimedTask[] {
    const started =
      startedIds.length === tasks.length ? tasks : tasks.filter(({ id }) => startedIds.includes(id))
    if (this.#events.has('task.started')) {
      for (const task of started) {
        const waited = at - task.addedAt
        this.#events.emit('task.started', { ...told(task, at), attempt: task.attempt, waited })
      }
    }
    return started
  }

  /** Never rejects. */
  async #attempt(runner: Runner, task: ClaimedTask): Promise<void> {
    this.#began()
    try {
      let end: AttemptEnd
      try {
        end = await runner.run(task)
      } catch (error) {
        end = this.#broken(task, error)
      }
      const pauses = pausesPool(end)
      // Before the outcome is recorded: a task that is queued again must not be claimed at once.
      if (pauses) await this.#pause(task, end)
      // Its slot is free though its outcome is still to be recorded.
      else this.#pump(runner.name)
      const settlement = settle(task, end, this.#now())
      const followUps = followUpsOf(end, settlement)
      let recorded: boolean
      try {
        recorded = await this.#queue.record(task.id, task.attempt, settlement, followUps)
      } catch (error) {
        recorded = await this.#recordLater(task, settlement, followUps, error)
      }
      if (recorded) this.#tell(task, end, settlement, followUps)
    } catch (error) {
      this.#report(error, `recording the outcome of ${task.name} ${task.id}`)
    }
    this.#ended()
  }

  /** Runners do not reject; should one do so, its task has failed and the others go on. */
  #broken({ name, id }: ClaimedTask, error: unknown): AttemptEnd {
    this.#report(error, `running ${name} ${id}`)
    return { outcome: { kind: 'failed', failure: toFailure(error) }, startedAt: null, thread: null }
  }

  /** Until the queue takes it: an outcome that is not recorded would be an attempt made twice. */
  async #recordLater(
    { id, name, attempt }: ClaimedTask,
    settlement: Settlement,
    followUps: readonly NewTask[],
    first: unknown,
  ): Promise<boolean> {
    this.#report(first, `recording the outcome of ${name} ${id}`)
    while (!this.#abandoned) {
      await wait(pauseAfterError, undefined, { ref: false })
      try {
        return await this.#queue.record(id, attempt, settlement, followUps)
      } catch {
        // Told once.
      }
    }
    return false
  }

  #tell(task: ClaimedTask, end: AttemptEnd, settlement: Settlement, followUps: readonly NewTask[]): void {
    const { at } = settlement
    for (const added of followUps) this.#events.emit('task.added', { ...told(added, at), held: false })
    const name = eventOf[settlement.state]
    if (!this.#events.has(name)) return
    const event = { ...told(task, at), attempt: task.attempt }
    const run = { thread: end.thread, duration: end.startedAt === null ? 0 : at - end.startedAt }
    switch (settlement.state) {
      case 'succeeded':
        return this.#events.emit('task.succeeded', { ...event, ...run })
      case 'failed':
        return this.#events.emit('task.failed', { ...event, ...run, failure: settlement.failure })
      case 'scheduled': {
        const { failure, runAt } = settlement
        return this.#events.emit('task.retried', { ...event, ...run, failure, runAt })
      }
      case 'cancelled':
        return this.#events.emit('task.cancelled', { ...event, failure: settlement.failure })
      case 'queued':
        return this.#events.emit('task.interrupted', { ...event, failure: settlement.failure })
    }
  }

  /** Its pool stops, for the task says that nothing else in it can succeed; of several that say so the first is told. */
  async #pause({ name, id, options: { pool } }: ClaimedTask, { outcome }: AttemptEnd): Promise<void> {
    if (outcome.kind !== 'failed' || this.#queue.paused().has(pool)) return
    const { failure } = outcome
    try {
      await this.#queue.pause(pool, failure)
    } catch (error) {
      this.#report(error, `pausing pool ${pool} for ${name} ${id}`)
    }
    const reason = failure.message
    this.#events.emit('pool.paused', { pool, at: this.#now(), reason, failure, elsewhere: false })
  }

  #tellCancelled({ id, name, pool, attempt, endedAt, error }: TaskRecord): void {
    this.#events.emit('task.cancelled', { id, name, pool, at: endedAt!, attempt, failure: error! })
  }

  #began(): void {
    this.#busy++
  }

  #ended(): void {
    if (--this.#busy > 0) return
    for (const resolve of this.#onIdle.splice(0)) resolve()
  }

  /** Whether a round or an attempt goes on. */
  get busy(): boolean {
    return this.#busy > 0
  }

  /** Resolves when no round or attempt goes on. */
  idle(): Promise<void> {
    return this.#busy === 0 ? Promise.resolve() : new Promise((resolve) => this.#onIdle.push(resolve))
  }

  /** Likewise, or after so many milliseconds; while this waits the process stays. */
  async #idleWithin(most: number): Promise<void> {
    const waited = new AbortController()
    await Promise.race([this.idle(), wait(most, undefined, { signal: waited.signal }).catch(() => {})])
    waited.abort()
  }

  #report(error: unknown, during: string): void {
    this.#events.emit('afterwork.error', {
      at: this.#now(),
      error: error instanceof Error ? error : new Error(String(error)),
      during,
    })
  }
}

const eventOf = {
  succeeded: 'task.succeeded',
  failed: 'task.failed',
  scheduled: 'task.retried',
  cancelled: 'task.cancelled',
  queued: 'task.interrupted',
} as const

function pausesPool({ outcome }: AttemptEnd): boolean {
  return outcome.kind === 'failed' && outcome.steering?.pausePool === true
}

function told({ id, name, options }: ClaimedTask | NewTask, at: number): TaskEvent {
  return { id, name, pool: options.pool, at }
}
