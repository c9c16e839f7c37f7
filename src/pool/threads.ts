import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { BroadcastChannel, type Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { PoolSizes } from '../core/pool.ts'
import { Board, boardMemory } from './board.ts'
import {
  teardownTime,
  type Catalog,
  type Control,
  type Message,
  type Replies,
  type ThreadData,
  type Work,
} from './envelope.ts'
import { Flights } from './flights.ts'
import { Thread } from './thread.ts'
import { workerFile } from './worker-file.ts'

/** How long a thread may take to say that its modules are torn down, in milliseconds; past it, one of them blocks it. */
const teardownPatience = teardownTime + 500
/** V8 aborts the process more often than not when a thread reaches its own limit: the guard must come long before. */
const v8Limit = 16_384

/** What threads tell their pool. */
export interface ThreadsHooks {
  message(message: Message, from: Threads): void
  error(error: Error): void
  /** There are more threads than `minThreads`, and they were not needed for some time. */
  idle(threads: Threads): void
}

/** The threads of one size; a pool that is resized gets new ones. */
export class Threads {
  readonly board: Board
  /** What was handed to them. */
  readonly flights: Flights
  /** Those on which something runs, as far as anybody asked. */
  readonly #known = new Map<number, Thread>()
  readonly #piscina: Piscina
  readonly #control: BroadcastChannel
  /** Whether any module has a `teardown`. */
  readonly #teardown: boolean
  /** Threads that hear what is said. */
  readonly #ready = new Set<number>()
  readonly #leaving = new Set<number>()
  #allLeft = (): void => {}
  readonly #hooks: ThreadsHooks
  /** The most of them that were seen busy at a time since idleness was last looked for. */
  #mostBusy = 0
  readonly #idleTimer: NodeJS.Timeout | undefined

  constructor(name: string, sizes: PoolSizes, catalog: Catalog, hooks: ThreadsHooks, idleTimeout: number) {
    this.#teardown = catalog.teardown
    this.#hooks = hooks
    const board = boardMemory(sizes)
    this.board = new Board(board)
    this.flights = new Flights(this.board)
    const control = `afterwork.${name}.${randomUUID()}`
    this.#control = new BroadcastChannel(control)
    this.#piscina = new Piscina({
      filename: workerFile('entry'),
      minThreads: sizes.minThreads,
      maxThreads: sizes.maxThreads,
      concurrentTasksPerWorker: sizes.concurrency,
      // Piscina ends an idle thread without a word, so that no module could say goodbye: the pool swaps them all.
      idleTimeout: catalog.teardown ? Infinity : idleTimeout,
      atomics: 'disabled',
      niceIncrement: sizes.nice,
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: v8Limit },
      env: sizes.env,
      workerData: { pool: name, catalog, control, board } satisfies ThreadData,
    })
    this.#piscina.on('message', (message: Message) => {
      if (message.type === 'torn-down') return this.#left(message.thread)
      if (message.type === 'ready') this.#ready.add(message.thread)
      else hooks.message(message, this)
    })
    this.#piscina.on('error', (error: Error) => hooks.error(error))
    if (catalog.teardown && sizes.maxThreads > sizes.minThreads) {
      const look = () => {
        const { threads, busy } = this.load
        if (threads > sizes.minThreads && Math.max(busy, this.#mostBusy) <= sizes.minThreads) hooks.idle(this)
        this.#mostBusy = 0
      }
      this.#idleTimer = setInterval(look, idleTimeout).unref()
    }
  }

  /** How many threads there are, and on how many of them something runs. */
  get load(): { threads: number; busy: number } {
    const busy = new Set<number>()
    for (const flight of this.flights) if (flight.thread !== null && !flight.ended) busy.add(flight.thread)
    return { threads: this.#piscina.threads.length, busy: busy.size }
  }

  /** Has one thread run all of it, one after the other; rejects when the thread ends. There must be a free slot. */
  run(work: Work): Promise<Replies> {
    return this.#piscina.run(work) as Promise<Replies>
  }

  say(message: Control): void {
    this.#control.postMessage(message)
  }

  /** Ends the threads that seem to have nothing to do, unless all that was handed over still waits for one. */
  endIdle(isBusy: (thread: number) => boolean): void {
    if (this.#piscina.queueSize > 0) return
    for (const worker of this.#piscina.threads) {
      // One that is still starting, on a busy machine, gets the time it needs.
      if (this.#ready.has(worker.threadId) && !isBusy(worker.threadId)) void worker.terminate()
    }
  }

  /** What is known of a thread, until nothing runs on it any more. */
  thread(id: number): Thread {
    let thread = this.#known.get(id)
    if (thread === undefined) this.#known.set(id, (thread = new Thread(id, this)))
    return thread
  }

  /** Takes note of the threads on which something runs, and forgets the others. */
  noteBusy(busy: ReadonlySet<number>): void {
    this.#mostBusy = Math.max(this.#mostBusy, busy.size)
    for (const id of this.#known.keys()) if (!busy.has(id)) this.#known.delete(id)
  }

  worker(thread: number): Worker | undefined {
    return this.#piscina.threads.find(({ threadId }) => threadId === thread)
  }

  /** An attempt ended on a thread: it hears what is said, though some of its modules may still load. */
  ran(thread: number): void {
    this.#ready.add(thread)
  }

  /** Ends every thread, after the modules' `teardown` where nothing runs any more. */
  async destroy(): Promise<void> {
    clearInterval(this.#idleTimer)
    if (this.#teardown) await this.#tearDown()
    await this.#piscina.destroy()
    this.#control.close()
  }

  async #tearDown(): Promise<void> {
    for (const worker of this.#piscina.threads) {
      const { threadId } = worker
      if (!this.#ready.has(threadId) || this.flights.on(threadId).length > 0) continue
      this.#leaving.add(threadId)
      worker.once('exit', () => this.#left(threadId))
    }
    if (this.#leaving.size === 0) return
    const left = new Promise<void>((resolve) => (this.#allLeft = resolve))
    this.say({ type: 'teardown' })
    await Promise.race([left, wait(teardownPatience, undefined, { ref: false })])
    for (const thread of this.#leaving) this.#hooks.error(blocked(thread))
  }

  #left(thread: number): void {
    this.#leaving.delete(thread)
    if (this.#leaving.size === 0) this.#allLeft()
  }
}

function blocked(thread: number): Error {
  return new Error(`teardown in thread ${thread} blocked it for longer than ${teardownTime} ms`)
}
