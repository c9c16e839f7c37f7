import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { AfterworkError } from '../core/errors.ts'
import type { LogLevel } from '../core/events.ts'
import { toError } from '../core/failure.ts'
import type { Outcome } from '../core/outcome.ts'
import type { AttemptEnd, PoolSizes, PoolState, Runner } from '../core/pool.ts'
import type { ClaimedTask, Progress } from '../core/task.ts'
import { lostOutcome, outcomeOf, stopped } from './ending.ts'
import type { AttemptMessage, Catalog, Reply, ThreadMessage } from './envelope.ts'
import { Flight } from './flight.ts'
import { Sender } from './sender.ts'
import { grace, stop, stoppingError } from './stopping.ts'
import { Sweep } from './sweep.ts'
import { Threads, type ThreadsHooks } from './threads.ts'

/** What a pool tells while attempts run. */
export interface PoolHooks {
  progress(task: ClaimedTask, progress: Progress): void
  log(task: ClaimedTask, level: LogLevel, message: string, fields: Record<string, unknown>): void
  /** A thread failed outside any task. */
  error(error: Error): void
}

/** How long threads above `minThreads` stay without work, in milliseconds. */
const idleTimeout = 30_000
/** How many turns of the loop messages may come after the reply that overtook them. */
const turns = 3

/** Threads that run tasks, over Piscina, which only ever gets as many as it has free slots. */
export class Pool implements Runner {
  readonly name: string
  #sizes: PoolSizes
  #catalog: Catalog
  readonly #hooks: PoolHooks
  readonly #idleTimeout: number
  /** Every set of threads that may run something; only the newest is given more. */
  readonly #all = new Set<Threads>()
  #threads: Threads
  /** Suspects that wait for their turn, which run one after the other. */
  readonly #waiting = new Set<Flight>()
  #lastSuspect: Promise<unknown> = Promise.resolve()
  #running = 0
  readonly #leaving = new Set<Promise<void>>()
  readonly #sender = new Sender({
    replied: (flight, reply) => this.#replied(flight, reply),
    lost: (flight, error) => this.#lost(flight, error),
  })
  readonly #sweep = new Sweep(this.#all)
  #onEmpty = (): void => {}
  #stopped = false
  #ending: Promise<void> | undefined

  constructor(name: string, sizes: PoolSizes, catalog: Catalog, hooks: PoolHooks, idle = idleTimeout) {
    this.name = name
    this.#sizes = sizes
    this.#catalog = catalog
    this.#hooks = hooks
    this.#idleTimeout = idle
    this.#threads = this.#start(sizes)
  }

  get sizes(): PoolSizes {
    return this.#sizes
  }

  get free(): number {
    return Math.max(0, this.#sizes.maxThreads * this.#sizes.concurrency - this.#sender.slots)
  }

  get state(): Omit<PoolState, 'paused'> {
    const { minThreads, maxThreads, concurrency } = this.#sizes
    return { name: this.name, minThreads, maxThreads, concurrency, running: this.#running }
  }

  /** Its threads: those on which something runs, and the others. */
  get workers(): { busy: number; idle: number } {
    let [busy, idle] = [0, 0]
    for (const { load } of this.#all) {
      busy += load.busy
      idle += Math.max(0, load.threads - load.busy)
    }
    return { busy, idle }
  }

  run(task: ClaimedTask): Promise<AttemptEnd> {
    this.#running++
    if (task.suspect) return this.#runInTurn(task)
    return new Promise((land) => {
      const flight = new Flight(task, land)
      if (this.#stopped) return this.#land(flight, stopped(stoppingError()))
      if (task.options.batch) this.#sender.batched(flight, this.#threads)
      else this.#sender.single(flight, this.#threads)
      this.#sweep.start()
    })
  }

  cancel(id: string, attempt: number): void {
    for (const flight of this.#flights()) {
      const { task } = flight
      if (task.id === id && task.attempt === attempt)
        stop(flight, new AfterworkError('AFTERWORK_CANCELLED', `${task.name} was cancelled`))
    }
  }

  /** New threads take over; what runs on the old ones ends there, and counts against the new size. */
  resize(sizes: PoolSizes): void {
    this.#sizes = sizes
    this.#takeOver()
  }

  /** Threads that load their modules anew take over; what runs on the old ones ends there. */
  recycle(catalog: Catalog): void {
    this.#catalog = catalog
    this.#takeOver()
  }

  stop(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    this.#stopped = true
    for (const flight of this.#flights()) stop(flight, stoppingError())
    await Promise.race([this.#empty(), wait(grace, undefined, { ref: false })])
    await Promise.all(Array.from(this.#all, (threads) => threads.destroy()))
    await this.#empty()
    await Promise.all(this.#leaving)
    this.#sweep.stop()
  }

  #takeOver(): void {
    const old = this.#threads
    this.#threads = this.#start(this.#sizes)
    this.#retire(old)
  }

  #start(sizes: PoolSizes): Threads {
    const hooks: ThreadsHooks = {
      message: (message, from) =>
        'id' in message ? this.#heardOf(message, from) : this.#heardFrom(message, from),
      error: (error) => this.#hooks.error(error),
      idle: (from) => {
        if (from === this.#threads && !this.#stopped) this.#takeOver()
      },
    }
    const threads = new Threads(this.name, sizes, this.#catalog, hooks, this.#idleTimeout)
    this.#all.add(threads)
    return threads
  }

  /** Ends threads that get nothing new once nothing runs on them any more. */
  #retire(threads: Threads): void {
    if (threads === this.#threads || threads.flights.size > 0 || this.#stopped) return
    this.#all.delete(threads)
    const left = threads.destroy().finally(() => this.#leaving.delete(left))
    this.#leaving.add(left)
  }

  /** Every attempt that has not ended. */
  *#flights(): Iterable<Flight> {
    yield* this.#waiting
    for (const { flights } of this.#all) yield* flights
  }

  /** Resolves when no attempt is left. */
  #empty(): Promise<void> {
    if (this.#running === 0) return Promise.resolve()
    return new Promise((resolve) => (this.#onEmpty = resolve))
  }

  /** After the suspects before it, on a thread of its own, so that what happens there is its own doing. */
  #runInTurn(task: ClaimedTask): Promise<AttemptEnd> {
    const { promise: end, resolve: land } = Promise.withResolvers<AttemptEnd>()
    const flight = new Flight(task, land)
    const turn = this.#lastSuspect
    this.#lastSuspect = end
    this.#waiting.add(flight)
    // It takes a slot while it waits for its turn, too.
    this.#sender.hold(turn, () => {
      this.#waiting.delete(flight)
      if (this.#stopped) flight.stopping ??= stoppingError()
      if (flight.stopping !== undefined) return this.#land(flight, stopped(flight.stopping))
      const alone = { ...this.#sizes, minThreads: 0, maxThreads: 1, concurrency: 1 }
      this.#sender.single(flight, this.#start(alone))
      this.#sweep.start()
    })
    return end
  }

  #replied(flight: Flight, reply: Reply): void {
    if (typeof reply !== 'object' || flight.heard >= reply.said) this.#land(flight, outcomeOf(reply, flight))
    else void caughtUp(flight, reply.said).then(() => this.#land(flight, outcomeOf(reply, flight)))
  }

  #lost(flight: Flight, error: unknown): void {
    if (this.#stopped) flight.stopping ??= stoppingError()
    this.#land(flight, lostOutcome(flight, error))
  }

  #land(flight: Flight, outcome: Outcome): void {
    const { threads, startedAt, thread } = flight
    if (threads !== undefined) {
      threads.flights.remove(flight)
      if (thread !== null) threads.ran(thread)
      this.#retire(threads)
    }
    this.#running--
    flight.land({ outcome, startedAt, thread })
    if (this.#running === 0) this.#onEmpty()
  }

  #heardFrom(message: ThreadMessage, threads: Threads): void {
    const thread = threads.thread(message.thread)
    if (message.type === 'collected') this.#sweep.guard.collected(thread)
    else if (message.type === 'stray') {
      if (message.fatal !== false) {
        const culprit = message.fatal === 'unknown' ? thread.onlyFlight : 'none of them'
        thread.loss ??= { culprit, failure: message.failure }
      }
      this.#hooks.error(toError(message.failure))
    }
  }

  #heardOf(message: AttemptMessage, threads: Threads): void {
    const flight = threads.flights.find(message)
    if (flight === undefined) return
    flight.heard++
    switch (message.type) {
      case 'progress':
        return this.#hooks.progress(flight.task, message.progress)
      case 'log':
        return this.#hooks.log(flight.task, message.level, message.message, message.fields)
      case 'ending':
        return threads.thread(flight.thread!).lose({ culprit: flight, failure: message.failure })
    }
  }
}

/** Lets the messages of an attempt arrive: they are here within a few turns of the loop, or never. */
async function caughtUp(flight: Flight, said: number): Promise<void> {
  for (let turn = 0; turn < turns && flight.heard < said; turn++) await nextTurn()
}
