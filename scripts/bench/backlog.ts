import type { BacklogOptions } from './backlog/engine.ts'
import type { Cycled, CycleParameters } from './backlog/protocol.ts'
import type { Benchmark } from './harness/benchmark.ts'
import { copyQueue, prepareQueues, type Waiting } from './queue/filled.ts'

/** How many tasks wait, and what is done beside them. */
export interface BacklogSize extends CycleParameters {
  waiting: Waiting
  /** Cycles before it counts. */
  warmUp: number
}

type BacklogMeasure = 'adds' | 'claims' | 'resident'

const engine = import.meta.resolve('./backlog/engine.ts')
const flags = ['--expose-gc']
const cycle = { tasks: 1_024, adders: 256, slots: 256 }

/** What a long queue costs. */
export const backlog: Benchmark<BacklogSize, BacklogMeasure> = {
  name: 'backlog',
  description:
    'the engine with many tasks waiting (a million) against few (a thousand): adds, claims with start and outcome, resident memory',
  systems: [
    { name: 'few', module: engine, flags },
    { name: 'many', module: engine, flags },
  ],
  columns: [
    { measure: 'adds', unit: '/s' },
    { measure: 'claims', unit: '/s' },
    { measure: 'resident', unit: 'MB', digits: 1 },
  ],
  sizes: {
    full: { ...cycle, waiting: { few: 1_000, many: 1_000_000 }, warmUp: 10, cycles: 50 },
    quick: { ...cycle, waiting: { few: 1_000, many: 20_000 }, warmUp: 2, cycles: 5 },
  },
  durable: true,
  prepare: prepareQueues,

  async measure({ system, size, folder, prepared, start }) {
    const { waiting, warmUp, ...parameters } = size
    const name = system.name as keyof Waiting
    const url = await copyQueue(prepared, name, folder)
    const running = await start({ url, waiting: waiting[name] } satisfies BacklogOptions)
    await running.ask<Cycled>('cycle', { ...parameters, cycles: warmUp })
    const { adds, claims, resident } = await running.ask<Cycled>('cycle', parameters)
    return { adds, claims, resident }
  },

  ratios: (of) => ({
    'adds many / few': of('many', 'adds') / of('few', 'adds'),
    'claims many / few': of('many', 'claims') / of('few', 'claims'),
    'resident many - few, MB': of('many', 'resident') - of('few', 'resident'),
  }),
  floors: {
    'adds many / few': { atLeast: 0.8 },
    'claims many / few': { atLeast: 0.8 },
    'resident many - few, MB': { atMost: 50 },
  },
}
