import type { ResolvedAfterwork } from './afterwork-options.ts'
import { systemClock, type Clock } from './core/clock.ts'
import type { Events } from './core/events.ts'
import type { LocalFunctions, PoolSizes, PoolState, Runner } from './core/pool.ts'
import { Dispatcher } from './dispatch/dispatcher.ts'
import type { Catalog } from './pool/envelope.ts'
import { LocalPool } from './pool/local.ts'
import { Pool, type PoolHooks } from './pool/pool.ts'
import { probeTasks } from './pool/probe.ts'
import { openQueue } from './queue/open.ts'
import type { Engine } from './queue/queue.ts'

/** A pool whose size can be changed while it works. */
export interface RunningPool extends Runner {
  readonly sizes: PoolSizes
  readonly state: Omit<PoolState, 'paused'>
  /** Its threads: those on which something runs, and the others. */
  readonly workers: { busy: number; idle: number }
  resize(sizes: PoolSizes): void
  recycle(catalog: Catalog): void
}

/** Where local functions wait for their turn, and run. */
export type LocalRunner = Runner & LocalFunctions

/** What the runtime is made of; `afterwork/testing` puts some of its own in their place. */
export interface AfterworkParts {
  readonly clock: Clock
  openQueue(options: ResolvedAfterwork): Engine
  /** Loads every module; throws AFTERWORK_TASKS_FILE. */
  findTasks(url: string): Promise<Pick<Catalog, 'names' | 'teardown'>>
  createPool(name: string, sizes: PoolSizes, catalog: Catalog, hooks: PoolHooks): RunningPool
  createLocal(): LocalRunner
  createDispatcher(queue: Engine, runners: readonly Runner[], events: Events): Dispatcher
}

/** Those of createAfterwork(). */
export const runtimeParts: AfterworkParts = {
  clock: systemClock,
  openQueue: ({ queue, bounds, retention }) => openQueue(queue, bounds, retention),
  findTasks: (url) => probeTasks(url, process.env),
  createPool: (name, sizes, catalog, hooks) => new Pool(name, sizes, catalog, hooks),
  createLocal: () => new LocalPool(),
  createDispatcher: (queue, runners, events) => new Dispatcher(queue, runners, events),
}
