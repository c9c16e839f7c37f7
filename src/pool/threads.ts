import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { BroadcastChannel, type Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { PoolSizes } from '../core/pool.ts'
import { Board, boardMemory } from './board.ts'
import type { Catalog, Control, Message, Replies, ThreadData, Work } from './envelope.ts'
import { Flights } from './flights.ts'
import { Thread } from './thread.ts'
import { workerFile } from './worker-file.ts'

/** How long a thread above `minThreads` waits for work, in milliseconds. */
const idleTimeout = 30_000
/** How long `teardown` of all modules may take, in milliseconds. */
const teardownTime = 2_000
/** V8 aborts the process more often than not when a thread reaches its own limit: the guard must come long before. */
const v8Limit = 16_384

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

  constructor(
    name: string,
    sizes: PoolSizes,
    catalog: Catalog,
    hooks: { message(message: Message, from: Threads): void; error(error: Error): void },
  ) {
    this.#teardown = catalog.teardown
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
      // Piscina ends an idle thread without a word, so that no module could say goodbye.
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

  /** Forgets threads on which nothing runs any more. */
  forgetAllBut(busy: ReadonlySet<number>): void {
    for (const id of this.#known.keys()) if (!busy.has(id)) this.#known.delete(id)
  }

  worker(thread: number): Worker | undefined {
    return this.#piscina.threads.find(({ threadId }) => threadId === thread)
  }

  /** Ends every thread, after the modules' `teardown` where `gently`. Nothing may run any more. */
  async destroy({ gently }: { gently: boolean }): Promise<void> {
    if (gently && this.#teardown) await this.#tearDown()
    await this.#piscina.destroy()
    this.#control.close()
  }

  async #tearDown(): Promise<void> {
    for (const worker of this.#piscina.threads) {
      const { threadId } = worker
      if (!this.#ready.has(threadId)) continue
      this.#leaving.add(threadId)
      worker.once('exit', () => this.#left(threadId))
    }
    if (this.#leaving.size === 0) return
    const left = new Promise<void>((resolve) => (this.#allLeft = resolve))
    this.say({ type: 'teardown' })
    await Promise.race([left, wait(teardownTime, undefined, { ref: false })])
  }

  #left(thread: number): void {
    this.#leaving.delete(thread)
    if (this.#leaving.size === 0) this.#allLeft()
  }
}
