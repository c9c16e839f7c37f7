import { AfterworkError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import type { AttemptEnd, Runner } from '../core/pool.ts'
import type { ClaimedTask } from '../core/task.ts'

/** The name of the pool in which local functions take their turn. */
export const localPool = 'local'
const most = 1_000

/** Runs closures of this process on the main loop, in the order of their group, like FastAPI's functions. */
export class LocalPool implements Runner {
  readonly name = localPool
  readonly #functions = new Map<string, () => unknown>()
  #running = 0

  get free(): number {
    return most - this.#running
  }

  /** Keeps the function of a task until it has run or is forgotten. */
  keep(id: string, call: () => unknown): void {
    this.#functions.set(id, call)
  }

  forget(id: string): void {
    this.#functions.delete(id)
  }

  async run({ id, name, options }: ClaimedTask): Promise<AttemptEnd> {
    const call = this.#functions.get(id)
    const startedAt = Date.now()
    this.#functions.delete(id)
    this.#running++
    try {
      if (call === undefined)
        throw new AfterworkError('AFTERWORK_LOCAL_GONE', `${name} is gone with the process that added it`)
      await within(options.timeout, name, call)
      return { startedAt, thread: 0, outcome: { kind: 'succeeded', result: undefined } }
    } catch (thrown) {
      return { startedAt, thread: 0, outcome: { kind: 'failed', failure: toFailure(thrown) } }
    } finally {
      this.#running--
    }
  }

  async stop(): Promise<void> {
    this.#functions.clear()
  }
}

/** A function on the main loop cannot be ended; after its timeout its group goes on without it. */
async function within(timeout: number, name: string, call: () => unknown): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new AfterworkError('AFTERWORK_TIMED_OUT', `${name} took longer than ${timeout} ms`)),
      timeout,
    )
  })
  try {
    await Promise.race([Promise.resolve().then(call), late])
  } finally {
    clearTimeout(timer)
  }
}
