import { measureAdds, measureBacklog, measureDispatch, type Begin, type Dispatch } from './cluster/parts.ts'
import type { PgBossOptions } from './cluster/pg-boss.ts'
import type { DispatchParameters, RoleOptions } from './cluster/protocol.ts'
import type { NewDatabase, ServerOptions } from './cluster/server.ts'
import type { AddParameters } from './durable/protocol.ts'
import type { Benchmark, System, Trial } from './harness/benchmark.ts'
import type { RunningSystem } from './harness/system.ts'

/** How much is measured in each part, and how much before it counts. */
export interface ClusterSize {
  dispatch: DispatchParameters & { warmUp: number }
  adds: AddParameters & { warmUp: number }
  /** Tasks of a backlog; slow peers get fewer, for they would take minutes. */
  backlog: { ours: number; fast: number; slow: number }
}

type Measure = 'adds' | 'tasks' | 'tasks 2' | 'tasks 4' | keyof Dispatch

/** A system, what it runs on, and which parts it takes. */
interface Contender extends System {
  server: ServerOptions['server']
  /** For its module, besides what all are given. */
  options?: Omit<PgBossOptions, keyof RoleOptions>
  dispatch?: true
  adds?: true
  backlog?: keyof ClusterSize['backlog']
  /** Whether a backlog is also worked on by two processes and by four. */
  several?: true
}

const afterwork = import.meta.resolve('./cluster/afterwork.ts')
const pgBoss = import.meta.resolve('./cluster/pg-boss.ts')
/** The most jobs of one fetch, and the shortest time between two when nothing waits. */
const batches = { batchSize: 100, pollingIntervalSeconds: 0.5 }

const contenders: readonly Contender[] = [
  {
    name: 'afterwork',
    module: afterwork,
    server: 'postgres',
    dispatch: true,
    adds: true,
    backlog: 'ours',
    several: true,
  },
  {
    name: 'pg-boss',
    module: pgBoss,
    server: 'postgres',
    options: { work: batches },
    dispatch: true,
    adds: true,
    backlog: 'slow',
  },
  // Fetches again at once as long as fetches come back full; its documents have it off by default.
  {
    name: 'pg-boss, burst',
    module: pgBoss,
    server: 'postgres',
    options: { work: { ...batches, burstWhenBatchFull: true } },
    backlog: 'fast',
  },
  {
    name: 'bullmq',
    module: import.meta.resolve('./cluster/bullmq.ts'),
    server: 'redis',
    dispatch: true,
    adds: true,
    backlog: 'fast',
  },
  { name: 'notify', module: import.meta.resolve('./cluster/notify.ts'), server: 'postgres', dispatch: true },
]

const server = import.meta.resolve('./cluster/server.ts')

/** The share of a backlog that is run before it counts. */
const warmUp = 0.2

/** Several processes on one database: adds, a backlog, and how soon a task begins when nothing waits. */
export const cluster: Benchmark<ClusterSize, Measure> = {
  name: 'cluster',
  description:
    'processes that share a database: adds acknowledged to one at 256 at a time, tasks that one (2, 4) ends of a backlog, the time from the call of add to the start in another process when nothing waits; ours on PostgreSQL, pg-boss, BullMQ on Redis that always syncs, a bare LISTEN that claims',
  systems: contenders,
  columns: [
    { measure: 'adds', unit: '/s' },
    { measure: 'tasks', unit: '/s' },
    { measure: 'tasks 2', unit: '/s' },
    { measure: 'tasks 4', unit: '/s' },
    { measure: 'p50', unit: 'ms', digits: 2 },
    { measure: 'p99', unit: 'ms', digits: 2 },
    { measure: 'p50 after', unit: 'ms', digits: 2 },
  ],
  sizes: {
    full: {
      dispatch: { tasks: 200, warmUp: 50, seed: 8, pauses: [20, 60] },
      adds: { adders: 256, warmUp: 1, seconds: 5 },
      backlog: { ours: 20_000, fast: 20_000, slow: 1_000 },
    },
    quick: {
      dispatch: { tasks: 30, warmUp: 10, seed: 8, pauses: [20, 60] },
      adds: { adders: 256, warmUp: 0.2, seconds: 1 },
      backlog: { ours: 2_000, fast: 2_000, slow: 200 },
    },
  },
  durable: true,

  async measure(trial) {
    const { system, size, folder, help } = trial
    const contender = contenders.find(({ name }) => name === system.name)!
    const running = await help({ module: server }, {
      server: contender.server,
      folder,
    } satisfies ServerOptions)
    const part = <T>(measure: (begin: Begin) => Promise<T>, prompt = false): Promise<T> =>
      onNewDatabase(trial, running, { ...contender.options, prompt }, measure)

    const measured = { ...nothing }
    if (contender.dispatch === true)
      Object.assign(measured, await part((begin) => measureDispatch(begin, size.dispatch), true))
    if (contender.backlog !== undefined) {
      const tasks = size.backlog[contender.backlog]
      const backlog = (processes: number): Promise<number> =>
        part((begin) => measureBacklog(begin, { processes, tasks, warmUp: Math.ceil(tasks * warmUp) }))
      measured.tasks = await backlog(1)
      if (contender.several === true) {
        measured['tasks 2'] = await backlog(2)
        measured['tasks 4'] = await backlog(4)
      }
    }
    if (contender.adds === true) measured.adds = await part((begin) => measureAdds(begin, size.adds))
    return measured
  },

  ratios: (of) => ({
    'adds afterwork / pg-boss': of('afterwork', 'adds') / of('pg-boss', 'adds'),
    'adds afterwork / bullmq': of('afterwork', 'adds') / of('bullmq', 'adds'),
    'tasks afterwork / pg-boss': of('afterwork', 'tasks') / of('pg-boss', 'tasks'),
    'tasks afterwork / pg-boss, burst': of('afterwork', 'tasks') / of('pg-boss, burst', 'tasks'),
    'tasks afterwork / bullmq': of('afterwork', 'tasks') / of('bullmq', 'tasks'),
    'tasks 2 / 1': of('afterwork', 'tasks 2') / of('afterwork', 'tasks'),
    'tasks 4 / 1': of('afterwork', 'tasks 4') / of('afterwork', 'tasks'),
    'p50 afterwork / notify': of('afterwork', 'p50') / of('notify', 'p50'),
    'p50 after, afterwork / notify': of('afterwork', 'p50 after') / of('notify', 'p50 after'),
  }),
  floors: {
    'adds afterwork / pg-boss': { atLeast: 8 },
    'tasks afterwork / pg-boss': { atLeast: 2 },
    'p50 afterwork / notify': { atMost: 2 },
  },
}

const nothing: Record<Measure, number> = {
  adds: NaN,
  tasks: NaN,
  'tasks 2': NaN,
  'tasks 4': NaN,
  p50: NaN,
  p99: NaN,
  'p50 after': NaN,
}

/** Measures with processes that end with it, so that none takes time from the next part. */
async function onNewDatabase<T>(
  { start }: Trial<ClusterSize>,
  server: RunningSystem,
  options: Pick<RoleOptions, 'prompt'>,
  measure: (begin: Begin) => Promise<T>,
): Promise<T> {
  const { url } = await server.ask<NewDatabase>('database')
  const begun: RunningSystem[] = []
  try {
    return await measure(async (role) => {
      const system = await start({ ...options, url, role } satisfies RoleOptions)
      begun.push(system)
      return system
    })
  } finally {
    await Promise.all(begun.map((system) => system.stop()))
  }
}
