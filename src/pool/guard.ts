import type { Worker } from 'node:worker_threads'
import type { Flight, Thread } from './flight.ts'

/** How often the memory of each busy thread is read, in milliseconds. */
const interval = 50

/** Up to so many times its limit a thread may first collect its garbage, which may be that of earlier tasks. */
const leniency = 1.5
/** How long it may take to do so, in milliseconds; one that is blocked never does. */
const patience = 500

/** What the guard needs of a pool. */
interface Watched {
  busyThreads(): Iterable<Thread>
  worker(thread: Thread): Worker | undefined
  /** Asks a thread to collect its garbage. */
  collect(thread: Thread): void
  /** Heap and Buffers of a thread hold `used` bytes, more than any of its attempts may. */
  outgrown(thread: Thread, used: number): void
}

/**
 * Watches heap and Buffers of busy threads from outside: `resourceLimits` do not count Buffers, and a thread that
 * reaches V8's own limit often takes the process with it.
 */
export class Guard {
  readonly #watched: Watched
  #timer: NodeJS.Timeout | undefined
  /** Threads that have not answered yet, busy in native code. */
  readonly #asked = new WeakSet<Thread>()
  /** Until when threads may collect their garbage, once they were told to. */
  readonly #warned = new WeakMap<Thread, number>()

  constructor(watched: Watched) {
    this.#watched = watched
  }

  /** Watches from now on; asked again it changes nothing. */
  start(): void {
    this.#timer ??= setInterval(() => this.#look(), interval).unref()
  }

  /** A thread has collected its garbage: what it holds from now on counts. */
  collected(thread: Thread): void {
    // The answer that is on its way may be from before.
    if (this.#warned.has(thread)) this.#warned.set(thread, performance.now() + interval)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    for (const thread of this.#watched.busyThreads()) {
      const worker = this.#watched.worker(thread)
      if (worker !== undefined && thread.loss === undefined && !this.#asked.has(thread))
        void this.#measure(thread, worker)
    }
  }

  async #measure(thread: Thread, worker: Worker): Promise<void> {
    this.#asked.add(thread)
    try {
      const { used_heap_size, external_memory } = await worker.getHeapStatistics()
      this.#judge(thread, used_heap_size + external_memory)
    } catch {
      // The thread has ended meanwhile.
    } finally {
      this.#asked.delete(thread)
    }
  }

  #judge(thread: Thread, used: number): void {
    const limit = limitOf(thread.flights)
    const until = this.#warned.get(thread)
    if (thread.flights.size === 0 || used <= limit) this.#warned.delete(thread)
    else if (used > limit * leniency || (until !== undefined && performance.now() >= until))
      this.#watched.outgrown(thread, used)
    else if (until === undefined) {
      this.#warned.set(thread, performance.now() + patience)
      this.#watched.collect(thread)
    }
  }
}

function limitOf(flights: Iterable<Flight>): number {
  return Math.max(...Array.from(flights, ({ task }) => task.options.memory))
}
