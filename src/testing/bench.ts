import { AsyncLocalStorage } from 'node:async_hooks'
import type { AfterworkParts } from '../afterwork-parts.ts'
import type { AttemptEnd } from '../core/pool.ts'
import type { ClaimedTask, NewTask } from '../core/task.ts'
import { Dispatcher } from '../dispatch/dispatcher.ts'
import { LocalPool } from '../pool/local.ts'
import { MemoryQueue } from '../queue/memory.ts'
import { TestClock } from './clock.ts'
import { Gate } from './gate.ts'
import { Modules } from './modules.ts'
import { TestPool } from './pool.ts'
import { renewable } from './renewable.ts'
import { nextTurn } from './turn.ts'

/**
 * What a runtime under test is made of: the real queue and dispatcher on a clock of the test's own, and pools without
 * threads behind one gate.
 */
export class Bench {
  readonly clock: TestClock
  readonly modules: Modules
  readonly gate = new Gate(() => this.#refill())
  readonly pools: TestPool[] = []
  /** The names of all tasks, once they are known. */
  names: ReadonlySet<string> | undefined
  /** Calls it outside the request or test in whose course it is called. */
  readonly outside = AsyncLocalStorage.snapshot() as <T>(work: () => T) => T
  readonly #added: (task: NewTask, at: number) => void
  #local: GatedLocal | undefined
  #dispatcher: Dispatcher | undefined
  #renew = (): void => {}

  /** `added` is told of every task that was added. */
  constructor(url: string, now: number, added: (task: NewTask, at: number) => void) {
    this.clock = new TestClock(now)
    this.modules = new Modules(url)
    this.#added = added
  }

  /** What Afterwork is given. */
  get parts(): AfterworkParts {
    const { clock } = this
    return {
      clock,
      openQueue: ({ bounds, retention }) => {
        const made = renewable(() => new TestQueue(bounds, retention, clock, this.#added))
        this.#renew = () => made.renew()
        return made.engine
      },
      findTasks: async () => {
        const found = await this.modules.find()
        this.names = found.names
        return found
      },
      createPool: (name, sizes, catalog, hooks) => {
        const pool = new TestPool(this, name, sizes, catalog, hooks)
        this.pools.push(pool)
        return pool
      },
      createLocal: () => (this.#local = new GatedLocal(this.gate, clock)),
      createDispatcher: (queue, runners, events) =>
        (this.#dispatcher = new Dispatcher(queue, runners, events, clock)),
    }
  }

  /** Whether something runs, or is on its way to. */
  get busy(): boolean {
    return this.gate.busy || this.#dispatcher?.busy === true
  }

  /** The tasks that run. */
  get running(): ClaimedTask[] {
    return this.pools.flatMap(({ running }) => running)
  }

  /** Whether the function of a task goes on. */
  get begun(): boolean {
    return this.pools.some(({ begun }) => begun)
  }

  /** Resolves when nothing runs and nothing more may, unless time passes. */
  async settled(): Promise<void> {
    do {
      await nextTurn()
      await this.#dispatcher?.idle()
      await nextTurn()
    } while (this.busy)
  }

  /** Forgets every task, and what time it is. */
  reset(): void {
    for (const pool of this.pools) pool.reset()
    void this.#local?.stop()
    this.clock.reset()
    this.#renew()
  }

  #refill(): void {
    for (const { name } of [...this.pools, ...(this.#local === undefined ? [] : [this.#local])])
      this.#dispatcher?.refill(name)
  }
}

/** What would be part of a transaction is added at once, as though that were committed: here is no database. */
class TestQueue extends MemoryQueue {
  addWithin(task: NewTask): Promise<void> {
    return this.add([task], { held: false })
  }
}

/** Local functions take their turn with the tasks. */
class GatedLocal extends LocalPool {
  readonly #gate: Gate

  constructor(gate: Gate, clock: TestClock) {
    super(clock)
    this.#gate = gate
  }

  override get free(): number {
    return this.#gate.free
  }

  override run(task: ClaimedTask): Promise<AttemptEnd> {
    return this.#gate.through(() => super.run(task))
  }
}
