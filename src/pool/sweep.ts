import { AfterworkError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import type { ClaimedTask } from '../core/task.ts'
import type { Flight } from './flight.ts'
import { Guard } from './guard.ts'
import { stop } from './stopping.ts'
import type { Threads } from './threads.ts'

/** How often the board is looked at while anything runs, in milliseconds: so much later may a timeout be enforced. */
const interval = 25
/** How long a thread may take to begin what it was given, in milliseconds; what an ended task left may block it. */
const patience = 5_000

/**
 * One timer for everything that must end in time: timeouts, the grace of those that were asked to stop, memory, and
 * threads that begin nothing. A timer of its own for each attempt would cost more than a small task.
 */
export class Sweep {
  readonly #all: Iterable<Threads>
  readonly guard = new Guard()
  #timer: NodeJS.Timeout | undefined
  #lookedAt = 0
  #guarding = false

  constructor(all: Iterable<Threads>) {
    this.#all = all
  }

  /** Looks from now on, for as long as anything runs; asked again it changes nothing. */
  start(): void {
    if (this.#timer !== undefined) return
    this.#lookedAt = performance.now()
    this.#timer = setInterval(() => this.#look(), interval).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    const now = performance.now()
    // Half as often, for it holds the threads up.
    this.#guarding = !this.#guarding
    let running = 0
    for (const threads of this.#all) {
      running += threads.flights.size
      this.#lookAt(threads, now)
    }
    this.#lookedAt = now
    // Only now, and not with the last of them: the next may come in the same turn of the loop.
    if (running === 0) this.stop()
  }

  #lookAt(threads: Threads, now: number): void {
    const busy = new Set<number>()
    let stuck = false
    for (const flight of threads.flights) {
      const { thread } = flight
      if (thread === null) stuck = isStuck(flight, now) || stuck
      else {
        busy.add(thread)
        if (!flight.ended) this.#judge(flight, thread, now)
      }
    }
    if (stuck) threads.endIdle((thread) => busy.has(thread))
    threads.noteBusy(busy)
    if (this.#guarding) for (const thread of busy) this.guard.look(threads.thread(thread))
  }

  #judge(flight: Flight, thread: number, now: number): void {
    const { stopping, task } = flight
    if (flight.due === undefined) {
      // It was asked before it could hear it.
      if (stopping !== undefined) return stop(flight, stopping)
      flight.due = now - this.#age(flight, now) + task.options.timeout
    }
    if (now < flight.due) return
    if (stopping === undefined) return stop(flight, timedOut(task))
    flight.due = Infinity
    flight.threads!.thread(thread).lose({ culprit: flight, failure: toFailure(stopping) })
  }

  /** How long an attempt has run that was not seen before; it began after the last look, however the clock was set. */
  #age({ startedAt }: Flight, now: number): number {
    return Math.min(Math.max(Date.now() - startedAt!, 0), now - this.#lookedAt)
  }
}

/** Whether a thread that seems to have nothing to do has left an attempt unbegun for too long; it is asked once. */
function isStuck(flight: Flight, now: number): boolean {
  if (!flight.leads) return false
  flight.patience ??= now + patience
  if (now < flight.patience) return false
  flight.patience = now + patience
  return true
}

function timedOut({ name, options }: ClaimedTask): AfterworkError {
  return new AfterworkError('AFTERWORK_TIMED_OUT', `${name} took longer than ${options.timeout} ms`)
}
