import type { Worker } from 'node:worker_threads'
import { toFailure } from '../core/failure.ts'
import { outOfMemory } from './ending.ts'
import type { Thread } from './thread.ts'

/** How long an answer of a thread may have been on its way, in milliseconds. */
const delay = 50
/** Up to so many times its limit a thread may first collect its garbage, which may be that of earlier tasks. */
const leniency = 1.5
/** How long it may take to do so, in milliseconds; one that is blocked never does. */
const patience = 500

/**
 * Watches heap and Buffers of busy threads from outside: `resourceLimits` do not count Buffers, and a thread that
 * reaches V8's own limit often takes the process with it.
 */
export class Guard {
  /** Threads that have not answered yet, busy in native code. */
  readonly #asked = new WeakSet<Thread>()
  /** Until when threads may collect their garbage, once they were told to. */
  readonly #warned = new WeakMap<Thread, number>()

  /** Reads the memory of a busy thread, and ends it when it holds more than it may. */
  look(thread: Thread): void {
    const { worker } = thread
    if (worker !== undefined && thread.loss === undefined && !this.#asked.has(thread))
      void this.#measure(thread, worker)
  }

  /** A thread has collected its garbage: what it holds from now on counts. */
  collected(thread: Thread): void {
    // The answer that is on its way may be from before.
    if (this.#warned.has(thread)) this.#warned.set(thread, performance.now() + delay)
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
    const { flights } = thread
    const limit = Math.max(...flights.map(({ task }) => task.options.memory))
    const until = this.#warned.get(thread)
    if (flights.length === 0 || used <= limit) this.#warned.delete(thread)
    else if (used > limit * leniency || (until !== undefined && performance.now() >= until))
      outgrown(thread, used)
    else if (until === undefined) {
      this.#warned.set(thread, performance.now() + patience)
      thread.collect()
    }
  }
}

function outgrown(thread: Thread, used: number): void {
  const [flight] = thread.flights
  if (flight === undefined || thread.loss !== undefined) return
  // What the tasks before it left, in a cache or as garbage, is not its own doing.
  const culprit = flight.first ? thread.onlyFlight : null
  thread.lose({ culprit, failure: toFailure(outOfMemory(flight.task, used)) })
}
