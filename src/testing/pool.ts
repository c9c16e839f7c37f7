import { AfterworkError } from '../core/errors.ts'
import type { AttemptEnd, PoolSizes, PoolState } from '../core/pool.ts'
import type { ClaimedTask } from '../core/task.ts'
import type { RunningPool } from '../afterwork-parts.ts'
import type { AttemptMessage, Catalog } from '../pool/envelope.ts'
import type { PoolHooks } from '../pool/pool.ts'
import { stoppingError } from '../pool/stopping.ts'
import { Attempt } from './attempt.ts'
import type { Bench } from './bench.ts'

/** A pool without threads: its tasks run in the process of the test, where mocks, breakpoints and coverage work. */
export class TestPool implements RunningPool {
  readonly name: string
  readonly #bench: Bench
  readonly #catalog: Catalog
  readonly #hooks: PoolHooks
  readonly #attempts = new Set<Attempt>()
  #sizes: PoolSizes

  constructor(bench: Bench, name: string, sizes: PoolSizes, catalog: Catalog, hooks: PoolHooks) {
    this.#bench = bench
    this.name = name
    this.#sizes = sizes
    this.#catalog = catalog
    this.#hooks = hooks
  }

  get sizes(): PoolSizes {
    return this.#sizes
  }

  get free(): number {
    return this.#bench.gate.free
  }

  get state(): Omit<PoolState, 'paused'> {
    const { minThreads, maxThreads, concurrency } = this.#sizes
    return { name: this.name, minThreads, maxThreads, concurrency, running: this.#attempts.size }
  }

  /** It has none. */
  get workers(): { busy: number; idle: number } {
    return { busy: 0, idle: 0 }
  }

  /** The tasks that run. */
  get running(): ClaimedTask[] {
    return Array.from(this.#attempts, ({ task }) => task)
  }

  /** Whether the function of a task goes on. */
  get begun(): boolean {
    return [...this.#attempts].some(({ begun }) => begun)
  }

  run(task: ClaimedTask): Promise<AttemptEnd> {
    const attempt = new Attempt(task, this.#bench, this.#catalog, (message) => this.#heard(task, message))
    this.#attempts.add(attempt)
    return this.#bench.gate.through(async () => {
      const end = await this.#bench.outside(() => attempt.run())
      this.#attempts.delete(attempt)
      return end
    })
  }

  cancel(id: string, number: number): void {
    for (const attempt of this.#attempts) {
      const { task } = attempt
      if (task.id === id && task.attempt === number)
        void attempt.stop(new AfterworkError('AFTERWORK_CANCELLED', `${task.name} was cancelled`))
    }
  }

  /** Sizes are shown, but tasks run one at a time whatever they are. */
  resize(sizes: PoolSizes): void {
    this.#sizes = sizes
  }

  /** The loaders are asked for each attempt. */
  recycle(): void {}

  async stop(): Promise<void> {
    await Promise.all(Array.from(this.#attempts, (attempt) => attempt.stop(stoppingError())))
  }

  /** What runs has no outcome any more. */
  reset(): void {
    for (const attempt of this.#attempts) attempt.abandon(stoppingError())
  }

  #heard(task: ClaimedTask, message: AttemptMessage): void {
    if (message.type === 'progress') this.#hooks.progress(task, message.progress)
    else if (message.type === 'log')
      this.#hooks.log(task, message.level, message.message, structuredClone(message.fields))
  }
}
