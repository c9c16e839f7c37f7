import type { Added, AddParameters, Found } from './durable/protocol.ts'
import type { Benchmark } from './harness/benchmark.ts'
import { isKept, queueUrl } from './queue/url.ts'

/** The adders, and how long they add before and while it counts. */
export interface DurableSize extends AddParameters {
  warmUp: number
}

type DurableMeasure = 'adds' | 'delay p99'

/** Acknowledged adds, without HTTP and without running anything. */
export const durable: Benchmark<DurableSize, DurableMeasure> = {
  name: 'durable',
  description:
    'acknowledged adds of single tasks by concurrent adders, and the delay of the event loop: the queue, or node:sqlite on the main thread with a commit a task',
  systems: [
    { name: 'afterwork', module: import.meta.resolve('./durable/afterwork.ts') },
    { name: 'node:sqlite', module: import.meta.resolve('./durable/node-sqlite.ts') },
  ],
  columns: [
    { measure: 'adds', unit: '/s' },
    { measure: 'delay p99', unit: 'ms', digits: 1 },
  ],
  sizes: {
    full: { adders: 256, warmUp: 1, seconds: 5 },
    quick: { adders: 256, warmUp: 0.2, seconds: 1 },
  },
  durable: true,

  async measure({ size: { adders, warmUp, seconds }, folder, start }) {
    const url = queueUrl(folder)
    const system = await start({ url, folder })
    const before = await system.ask<Added>('add', { adders, seconds: warmUp })
    const { added, rate, delay } = await system.ask<Added>('add', { adders, seconds })
    const expected = before.added + added
    expectFound(await system.ask<Found>('find'), expected)
    if (isKept(url)) {
      await system.stop('SIGKILL')
      expectFound(await (await start({ url, folder })).ask<Found>('find'), expected)
    }
    return { adds: rate, 'delay p99': delay }
  },

  ratios: (of) => ({
    'adds afterwork / node:sqlite': of('afterwork', 'adds') / of('node:sqlite', 'adds'),
    'delay p99 afterwork - node:sqlite, ms': of('afterwork', 'delay p99') - of('node:sqlite', 'delay p99'),
  }),
  floors: {
    'adds afterwork / node:sqlite': { atLeast: 12 },
  },
}

/** An acknowledged task that is not there, even after the process was killed, makes the speed worthless. */
function expectFound({ found }: Found, expected: number): void {
  if (found !== expected) throw new Error(`Expected ${expected} tasks in the queue, got ${found}`)
}
