import type { Worker } from 'node:worker_threads'
import type { Flight, Thread } from './flight.ts'

/** How often the memory of each busy thread is read, in milliseconds. */
const interval = 50

/** What the guard needs of a pool. */
interface Watched {
  busyThreads(): Iterable<Thread>
  worker(thread: Thread): Worker | undefined
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

  constructor(watched: Watched) {
    this.#watched = watched
  }

  /** Watches from now on; asked again it changes nothing. */
  start(): void {
    this.#timer ??= setInterval(() => this.#look(), interval).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    for (const thread of this.#watched.busyThreads()) {
      const worker = this.#watched.worker(thread)
      if (worker !== undefined && thread.loss === undefined) void this.#measure(thread, worker)
    }
  }

  async #measure(thread: Thread, worker: Worker): Promise<void> {
    try {
      const { used_heap_size, external_memory } = await worker.getHeapStatistics()
      const used = used_heap_size + external_memory
      if (thread.flights.size > 0 && used > limitOf(thread.flights)) this.#watched.outgrown(thread, used)
    } catch {
      // The thread has ended meanwhile.
    }
  }
}

function limitOf(flights: Iterable<Flight>): number {
  return Math.max(...Array.from(flights, ({ task }) => task.options.memory))
}
