import { EventEmitter, once } from 'node:events'
import type { ExecutionContext } from 'ava'
import type { Failure } from '../../src/core/failure.ts'
import type { ResolvedOptions } from '../../src/core/options.ts'
import type { AttemptEnd, PoolSizes } from '../../src/core/pool.ts'
import type { ClaimedTask } from '../../src/core/task.ts'
import { decodeValue } from '../../src/core/value.ts'
import type { Catalog } from '../../src/pool/envelope.ts'
import { Pool, type PoolHooks } from '../../src/pool/pool.ts'
import { claimedTask } from './claimed-task.ts'

/** An attempt on its way, and the task it is of. */
export interface Run {
  task: ClaimedTask
  end: Promise<AttemptEnd>
}

/** A pool over one tasks file that ends with the test, and what it told. */
export class Subject {
  readonly pool: Pool
  readonly errors: Error[] = []
  readonly lines: string[] = []
  readonly #told = new EventEmitter()

  constructor(
    t: ExecutionContext,
    sizes: Partial<PoolSizes> = {},
    catalog: Partial<Catalog> = {},
    idle?: number,
  ) {
    const complete = { minThreads: 1, maxThreads: 1, concurrency: 1, nice: 0, env: process.env, ...sizes }
    const tasks = new URL('./fixtures/death-tasks.ts', import.meta.url).href
    const known = { tasks, names: new Set<string>(), pools: new Set(['cpu']), teardown: false, ...catalog }
    this.#told.setMaxListeners(0)
    const hooks: PoolHooks = {
      progress: () => {},
      log: (task, _level, message) => {
        this.lines.push(message)
        this.#told.emit(`${task.id} ${message}`)
      },
      error: (error) => {
        this.errors.push(error)
        this.#told.emit('error-told', error)
      },
    }
    this.pool = new Pool('cpu', complete, known, hooks, idle)
    t.teardown(() => this.pool.stop())
  }

  /** Hands a task over. */
  start(name: string, args: unknown[] = [], options: Partial<ResolvedOptions> = {}): Run {
    return this.run(claimedTask(name, args, { timeout: 60_000, ...options }))
  }

  run(task: ClaimedTask): Run {
    return { task, end: this.pool.run(task) }
  }

  /** Hands a task over and gives how it ended. */
  async end(name: string, args: unknown[] = [], options: Partial<ResolvedOptions> = {}): Promise<AttemptEnd> {
    return this.start(name, args, options).end
  }

  /** Hands a task over, and resolves once it says that it waits. */
  async waiting(name: string, args: unknown[] = [], options: Partial<ResolvedOptions> = {}): Promise<Run> {
    const task = claimedTask(name, args, { timeout: 60_000, ...options })
    const said = once(this.#told, `${task.id} waiting`)
    const run = this.run(task)
    await said
    return run
  }

  /** The next error that the pool reports outside of any task. */
  async nextError(): Promise<Error> {
    const [error] = await once(this.#told, 'error-told')
    return error as Error
  }
}

/** The same task once more, as the dispatcher makes of an attempt that was interrupted. */
export function again(task: ClaimedTask, suspect = false): ClaimedTask {
  return { ...task, attempt: task.attempt + 1, suspect }
}

/** What a task gave, or a failed test. */
export function resultOf(t: ExecutionContext, { outcome }: AttemptEnd): any {
  if (outcome.kind !== 'succeeded') {
    t.fail(`${outcome.kind}: ${outcome.failure.stack}`)
    return undefined
  }
  return outcome.result === undefined ? undefined : decodeValue(outcome.result)
}

/** Why an attempt ended, or a failed test. */
export function failureOf(
  t: ExecutionContext,
  { outcome }: AttemptEnd,
  kind: 'failed' | 'interrupted' | 'cancelled' = 'failed',
): Failure {
  t.is(outcome.kind, kind)
  return (outcome as { failure: Failure }).failure
}
