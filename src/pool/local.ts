import { systemClock, type Clock } from '../core/clock.ts'
import { AfterworkError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { localPool, type AttemptEnd, type LocalFunctions, type Runner } from '../core/pool.ts'
import type { ClaimedTask } from '../core/task.ts'

const most = 1_000

/** Runs closures of this process on the main loop, in the order of their group, like FastAPI's functions. */
export class LocalPool implements Runner, LocalFunctions {
  readonly name = localPool
  readonly #now: () => number
  readonly #functions = new Map<string, () => unknown>()
  readonly #stops = new Set<(reason: AfterworkError) => void>()
  readonly #stopping = new AfterworkError('AFTERWORK_STOPPING', 'The process is stopping')

  constructor({ now }: Pick<Clock, 'now'> = systemClock) {
    this.#now = now
  }

  get free(): number {
    return most - this.#stops.size
  }

  keep(id: string, call: () => unknown): void {
    this.#functions.set(id, call)
  }

  forget(id: string): void {
    this.#functions.delete(id)
  }

  async run({ id, name, options }: ClaimedTask): Promise<AttemptEnd> {
    const call = this.#functions.get(id)
    const startedAt = this.#now()
    this.#functions.delete(id)
    try {
      if (call === undefined)
        throw new AfterworkError('AFTERWORK_LOCAL_GONE', `${name} is gone with the process that added it`)
      await this.#within(options.timeout, name, call)
      return { startedAt, thread: 0, outcome: { kind: 'succeeded', result: undefined } }
    } catch (thrown) {
      const kind = thrown === this.#stopping ? 'interrupted' : 'failed'
      return { startedAt, thread: 0, outcome: { kind, failure: toFailure(thrown) } }
    }
  }

  /** A function on the main loop cannot be ended. */
  cancel(): void {}

  async stop(): Promise<void> {
    this.#functions.clear()
    for (const stop of this.#stops) stop(this.#stopping)
  }

  /** A function on the main loop cannot be ended; after its timeout, or stop(), its group goes on without it. */
  async #within(timeout: number, name: string, call: () => unknown): Promise<void> {
    let end = (_reason: AfterworkError): void => {}
    const late = new Promise<never>((_resolve, reject) => (end = reject))
    const timer = setTimeout(
      () => end(new AfterworkError('AFTERWORK_TIMED_OUT', `${name} took longer than ${timeout} ms`)),
      timeout,
    )
    this.#stops.add(end)
    try {
      await Promise.race([Promise.resolve().then(call), late])
    } finally {
      this.#stops.delete(end)
      clearTimeout(timer)
    }
  }
}
