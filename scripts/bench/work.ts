import type { Benchmark, System } from './harness/benchmark.ts'
import { queueUrl } from './queue/url.ts'
import type { Worked, WorkOptions, WorkParameters } from './work/protocol.ts'

/** How many tasks are run; the peers get fewer, for they would take minutes. */
export interface WorkSize {
  adders: number
  tasks: { ours: number; bullmq: number; 'pg-boss': number }
}

type WorkMeasure = 'tasks' | 'seconds'

/** A system, what it is given to run, and how many tasks a thread runs at a time. */
interface Worker extends System {
  share: keyof WorkSize['tasks']
  concurrency: number
}

const afterwork = import.meta.resolve('./work/afterwork.ts')
const piscina = import.meta.resolve('./work/piscina.ts')

const workers: readonly Worker[] = [
  { name: 'afterwork, 1', module: afterwork, share: 'ours', concurrency: 1 },
  { name: 'piscina, 1', module: piscina, share: 'ours', concurrency: 1 },
  { name: 'afterwork, 8', module: afterwork, share: 'ours', concurrency: 8 },
  { name: 'piscina, 8', module: piscina, share: 'ours', concurrency: 8 },
  { name: 'bullmq', module: import.meta.resolve('./work/bullmq.ts'), share: 'bullmq', concurrency: 8 },
  { name: 'pg-boss', module: import.meta.resolve('./work/pg-boss.ts'), share: 'pg-boss', concurrency: 8 },
]

/** The share of the tasks that are run before it counts. */
const warmUp = 0.2

/** Tasks from end to end, without HTTP. */
export const work: Benchmark<WorkSize, WorkMeasure> = {
  name: 'work',
  description:
    'trivial single tasks from addTask until all have ended, 1 and 8 at a time a thread: our queue, raw Piscina without any, BullMQ on Redis that always syncs, pg-boss',
  systems: workers,
  columns: [
    { measure: 'tasks', unit: '/s' },
    { measure: 'seconds', unit: 's', digits: 2 },
  ],
  sizes: {
    full: { adders: 256, tasks: { ours: 100_000, bullmq: 30_000, 'pg-boss': 5_000 } },
    quick: { adders: 256, tasks: { ours: 10_000, bullmq: 5_000, 'pg-boss': 1_000 } },
  },
  durable: true,

  async measure({ system: { name }, size, folder, start }) {
    const { share, concurrency } = workers.find((worker) => worker.name === name)!
    const tasks = size.tasks[share]
    const system = await start({ url: queueUrl(folder), folder, concurrency } satisfies WorkOptions)
    const { adders } = size
    const warm: WorkParameters = { adders, tasks: Math.ceil(tasks * warmUp) }
    await system.ask<Worked>('work', warm)
    const { seconds } = await system.ask<Worked>('work', { adders, tasks })
    return { tasks: tasks / seconds, seconds }
  },

  ratios: (of) => ({
    'afterwork / piscina, 1': of('afterwork, 1', 'tasks') / of('piscina, 1', 'tasks'),
    'afterwork / piscina, 8': of('afterwork, 8', 'tasks') / of('piscina, 8', 'tasks'),
    'afterwork, 8 / bullmq': of('afterwork, 8', 'tasks') / of('bullmq', 'tasks'),
    'afterwork, 8 / pg-boss': of('afterwork, 8', 'tasks') / of('pg-boss', 'tasks'),
  }),
  floors: {
    'afterwork / piscina, 1': { atLeast: 0.3 },
    'afterwork / piscina, 8': { atLeast: 0.3 },
    'afterwork, 8 / bullmq': { atLeast: 1.5 },
    'afterwork, 8 / pg-boss': { atLeast: 10 },
  },
}
