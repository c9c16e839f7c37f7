import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { AfterworkError } from '../core/errors.ts'
import type { LogLevel } from '../core/events.ts'
import { toError, toFailure } from '../core/failure.ts'
import type { Outcome } from '../core/outcome.ts'
import type { AttemptEnd, PoolSizes, PoolState, Runner } from '../core/pool.ts'
import type { ClaimedTask, Progress } from '../core/task.ts'
import {
  attemptKey,
  type AttemptMessage,
  type Catalog,
  type Control,
  type Message,
  type Reply,
} from './envelope.ts'
import { lostOutcome, onlyOne, outcomeOf, outOfMemory, type Flight, type Thread } from './flight.ts'
import { Guard } from './guard.ts'
import { Sender } from './sender.ts'
import { Threads } from './threads.ts'

/** What a pool tells while attempts run. */
export interface PoolHooks {
  progress(task: ClaimedTask, progress: Progress): void
  log(task: ClaimedTask, level: LogLevel, message: string, fields: Record<string, unknown>): void
  /** A thread failed outside any task. */
  error(error: Error): void
}

/** How long a task that was asked to stop may take before its thread is ended, in milliseconds. */
const grace = 1_000
/** How long a thread may take to begin what it was given, in milliseconds; what an ended task left may block it. */
const patience = 5_000
/** How many turns of the loop messages may come after what overtook them. */
const turns = 3

/** Threads that run tasks, over Piscina, which only ever gets as many as it has free slots. */
export class Pool implements Runner {
  readonly name: string
  #sizes: PoolSizes
  readonly #catalog: Catalog
  readonly #hooks: PoolHooks
  #threads: Threads
  /** Every set of threads that still runs something, and how much. */
  readonly #load = new Map<Threads, number>()
  /** The last of those that may have cost others their thread, which run one after the other. */
  #quarantined: Promise<unknown> = Promise.resolve()
  readonly #flights = new Map<string, Flight>()
  readonly #byThread = new Map<number, Thread>()
  readonly #leaving = new Set<Promise<void>>()
  readonly #sender = new Sender()
  readonly #guard = new Guard({
    busyThreads: () => this.#byThread.values(),
    worker: (thread) => this.#worker(thread.id),
    collect: (thread) => this.#say({ type: 'collect', thread: thread.id }),
    outgrown: (thread, used) => this.#outgrown(thread, used),
  })
  #onEmpty = (): void => {}
  #stopped = false
  #ending: Promise<void> | undefined

  constructor(name: string, sizes: PoolSizes, catalog: Catalog, hooks: PoolHooks) {
    this.name = name
    this.#sizes = sizes
    this.#catalog = catalog
    this.#hooks = hooks
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
    return { name: this.name, minThreads, maxThreads, concurrency, running: this.#flights.size }
  }

  run(task: ClaimedTask): Promise<AttemptEnd> {
    const stopping = this.#stopped ? stoppingError() : undefined
    const flight: Flight = {
      task,
      startedAt: null,
      thread: undefined,
      first: false,
      batch: undefined,
      heard: 0,
      timer: undefined,
      stopping,
    }
    this.#flights.set(attemptKey(task), flight)
    this.#guard.start()
    if (task.suspect) return this.#runAlone(flight)
    const threads = this.#threads
    const send = task.options.batch ? 'batched' : 'single'
    return this.#fly(flight, threads, () => this.#sender[send](flight, threads))
  }

  cancel(id: string, attempt: number): void {
    const flight = this.#flights.get(attemptKey({ id, attempt }))
    if (flight === undefined) return
    this.#stopFlight(flight, new AfterworkError('AFTERWORK_CANCELLED', `${flight.task.name} was cancelled`))
  }

  /** New threads take over; what runs on the old ones ends there, and counts against the new size. */
  resize(sizes: PoolSizes): void {
    const old = this.#threads
    this.#sizes = sizes
    this.#threads = this.#start(sizes)
    this.#retire(old)
  }

  stop(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    this.#stopped = true
    const all = new Set([this.#threads, ...this.#load.keys()])
    for (const flight of this.#flights.values()) {
      clearTimeout(flight.timer)
      this.#askToStop(flight, stoppingError())
    }
    await Promise.race([this.#empty(), wait(grace, undefined, { ref: false })])
    const gently = this.#flights.size === 0
    await Promise.all(Array.from(all, (threads) => threads.destroy({ gently })))
    await this.#empty()
    await Promise.all(this.#leaving)
    this.#guard.stop()
  }

  #start(sizes: PoolSizes): Threads {
    return new Threads(this.name, sizes, this.#catalog, {
      message: (message) => this.#heard(message),
      error: (error) => this.#hooks.error(error),
    })
  }

  /** Ends threads that get nothing new once nothing runs on them any more. */
  #retire(threads: Threads): void {
    if (threads === this.#threads || this.#load.has(threads) || this.#stopped) return
    const left = threads.destroy({ gently: true }).finally(() => this.#leaving.delete(left))
    this.#leaving.add(left)
  }

  /** Resolves when no attempt is left. */
  #empty(): Promise<void> {
    if (this.#flights.size === 0) return Promise.resolve()
    return new Promise((resolve) => (this.#onEmpty = resolve))
  }

  /** On a thread of its own, so that what happens there is its own doing. */
  #runAlone(flight: Flight): Promise<AttemptEnd> {
    const turn = this.#quarantined
    // It takes a slot while it waits for its turn, too.
    const waited = this.#sender.fill(() => turn)
    const end = waited.then(() => {
      const alone = { ...this.#sizes, minThreads: 0, maxThreads: 1, concurrency: 1 }
      const threads = this.#stopped || flight.stopping ? this.#threads : this.#start(alone)
      return this.#fly(flight, threads, () => this.#sender.single(flight, threads))
    })
    this.#quarantined = end
    return end
  }

  async #fly(flight: Flight, threads: Threads, send: () => Promise<Reply>): Promise<AttemptEnd> {
    this.#load.set(threads, (this.#load.get(threads) ?? 0) + 1)
    let outcome: Outcome
    try {
      // Piscina would start a thread again for a task that comes after its end.
      if (this.#stopped || flight.stopping !== undefined) throw flight.stopping ?? stoppingError()
      this.#expectStart(flight, threads)
      const reply = await send()
      await caughtUp(() => flight.heard >= reply.said)
      outcome = outcomeOf(reply, flight)
    } catch (error) {
      if (this.#stopped) flight.stopping ??= stoppingError()
      await caughtUp(() => flight.thread !== undefined || flight.stopping !== undefined)
      outcome = lostOutcome(flight, error)
    }
    this.#land(flight, threads)
    return { outcome, startedAt: flight.startedAt, thread: flight.thread?.id ?? null }
  }

  #land(flight: Flight, threads: Threads): void {
    clearTimeout(flight.timer)
    this.#flights.delete(attemptKey(flight.task))
    if (flight.thread !== undefined) this.#leave(flight, flight.thread)
    const load = this.#load.get(threads)! - 1
    if (load > 0) this.#load.set(threads, load)
    else this.#load.delete(threads)
    this.#retire(threads)
    if (this.#flights.size > 0) return
    this.#guard.stop()
    this.#onEmpty()
  }

  #heard(message: Message): void {
    if ('id' in message) this.#heardOf(message)
    else if (message.type === 'collected') {
      const thread = this.#byThread.get(message.thread)
      if (thread !== undefined) this.#guard.collected(thread)
    } else if (message.type === 'stray') {
      const thread = this.#byThread.get(message.thread)
      if (thread !== undefined && message.fatal !== false) {
        const culprit = message.fatal === 'unknown' ? onlyOne(thread) : 'none of them'
        thread.loss ??= { culprit, failure: message.failure }
      }
      this.#hooks.error(toError(message.failure))
    }
  }

  #heardOf(message: AttemptMessage): void {
    const flight = this.#flights.get(attemptKey(message))
    if (flight === undefined) return
    flight.heard++
    switch (message.type) {
      case 'started':
        flight.startedAt = message.at
        flight.first = message.first
        this.#takeTurn(flight)
        flight.thread = this.#join(flight, message.thread)
        clearTimeout(flight.timer)
        flight.timer = setTimeout(() => this.#timedOut(flight), flight.task.options.timeout)
        if (flight.stopping !== undefined) this.#stopFlight(flight, flight.stopping)
        return
      case 'progress':
        return this.#hooks.progress(flight.task, message.progress)
      case 'log':
        return this.#hooks.log(flight.task, message.level, message.message, message.fields)
      case 'ending':
        return this.#lose(flight.thread!, { culprit: flight, failure: message.failure })
    }
  }

  /** Of a batch one runs at a time: what happens from now on is not the doing of the one before. */
  #takeTurn(flight: Flight): void {
    const { batch } = flight
    if (batch === undefined) return
    clearTimeout(batch.running?.timer)
    batch.running?.thread?.flights.delete(batch.running)
    batch.running = flight
  }

  #join(flight: Flight, id: number): Thread {
    let thread = this.#byThread.get(id)
    if (thread === undefined) this.#byThread.set(id, (thread = { id, flights: new Set(), loss: undefined }))
    thread.flights.add(flight)
    return thread
  }

  #leave(flight: Flight, thread: Thread): void {
    thread.flights.delete(flight)
    if (thread.flights.size > 0) return
    const forget = () => this.#byThread.delete(thread.id)
    // Of one that was lost, the start of another attempt may yet be heard.
    if (thread.loss === undefined) forget()
    else setTimeout(forget, grace).unref()
  }

  /** A thread that seems to have nothing to do and yet begins nothing is ended; the attempt is made again. */
  #expectStart(flight: Flight, threads: Threads): void {
    flight.timer = setTimeout(() => void this.#endIdle(flight, threads), patience)
  }

  async #endIdle(flight: Flight, threads: Threads): Promise<void> {
    // When the loop was held up, what the threads said may still wait behind this timer.
    await caughtUp(() => flight.thread !== undefined)
    if (flight.thread !== undefined || !this.#flights.has(attemptKey(flight.task))) return
    threads.endIdle((thread) => this.#byThread.has(thread))
    this.#expectStart(flight, threads)
  }

  #timedOut(flight: Flight): void {
    const { name, options } = flight.task
    this.#stopFlight(
      flight,
      new AfterworkError('AFTERWORK_TIMED_OUT', `${name} took longer than ${options.timeout} ms`),
    )
  }

  /** In stages: the signal, some grace, then the thread ends. */
  #stopFlight(flight: Flight, reason: AfterworkError): void {
    this.#askToStop(flight, reason)
    const { thread } = flight
    if (thread === undefined) return
    clearTimeout(flight.timer)
    flight.timer = setTimeout(
      () => this.#lose(thread, { culprit: flight, failure: toFailure(flight.stopping) }),
      grace,
    )
  }

  #askToStop(flight: Flight, reason: AfterworkError): void {
    flight.stopping ??= reason
    const { id, attempt } = flight.task
    this.#say({ type: 'stop', id, attempt, failure: toFailure(flight.stopping) })
  }

  #say(message: Control): void {
    for (const threads of this.#load.keys()) threads.say(message)
  }

  #outgrown(thread: Thread, used: number): void {
    const [flight] = thread.flights
    if (flight === undefined || thread.loss !== undefined) return
    // What the tasks before it left, in a cache or as garbage, is not its own doing.
    const culprit = flight.first ? onlyOne(thread) : null
    this.#lose(thread, { culprit, failure: toFailure(outOfMemory(flight.task, used)) })
  }

  /** Ends a thread, for what its culprit did. */
  #lose(thread: Thread, loss: NonNullable<Thread['loss']>): void {
    thread.loss ??= loss
    void this.#worker(thread.id)?.terminate()
  }

  #worker(id: number): ReturnType<Threads['worker']> {
    for (const threads of this.#load.keys()) {
      const worker = threads.worker(id)
      if (worker !== undefined) return worker
    }
    return undefined
  }
}

/** Lets messages arrive that were overtaken on the way: they are here within a few turns of the loop, or never. */
async function caughtUp(done: () => boolean): Promise<void> {
  for (let turn = 0; turn < turns && !done(); turn++) await nextTurn()
}

function stoppingError(): AfterworkError {
  return new AfterworkError('AFTERWORK_STOPPING', 'The process is stopping')
}
