import type { Benchmark } from './harness/benchmark.ts'
import { Absent } from './harness/system-module.ts'
import { copyQueue, prepareQueues, type Waiting } from './queue/filled.ts'
import { isKept } from './queue/url.ts'
import type { Held, Opened, Restarted } from './restart/protocol.ts'

/** How many tasks wait. */
export interface RestartSize {
  waiting: Waiting
}

type RestartMeasure = 'open' | 'first task'

const runtime = import.meta.resolve('./restart/runtime.ts')

/** How soon work goes on after a crash. */
export const restart: Benchmark<RestartSize, RestartMeasure> = {
  name: 'restart',
  description:
    'after SIGKILL with many tasks waiting (a million) or few (a thousand): from before the queue is opened again until the first task is started',
  systems: [
    { name: 'few', module: runtime },
    { name: 'many', module: runtime },
  ],
  columns: [
    { measure: 'open', unit: 'ms', digits: 1 },
    { measure: 'first task', unit: 'ms', digits: 1 },
  ],
  sizes: {
    full: { waiting: { few: 1_000, many: 1_000_000 } },
    quick: { waiting: { few: 1_000, many: 20_000 } },
  },
  durable: true,
  prepare: prepareQueues,

  async measure({ system, size, folder, prepared, start }) {
    const name = system.name as keyof Waiting
    const url = await copyQueue(prepared, name, folder)
    if (!isKept(url)) throw new Absent(`${url} keeps nothing over a crash`)
    const doomed = await start({ url })
    const { found, waiting } = await doomed.ask<Held>('hold')
    if (found !== size.waiting[name] || waiting <= found)
      throw new Error(`Expected ${size.waiting[name]} tasks and some more, got ${found} and then ${waiting}`)
    await doomed.stop('SIGKILL')
    // The engine alone, for the threads of the runtime take longer to start; killed, it leaves all as it found it.
    const opener = await start({ url })
    const open = await opener.ask<Opened>('open')
    await opener.stop('SIGKILL')
    const { ms, known } = await (await start({ url })).ask<Restarted>('restart')
    if (known !== waiting) throw new Error(`Expected ${waiting} tasks after the crash, got ${known}`)
    return { open: open.ms, 'first task': ms }
  },

  ratios: (of) => ({
    'first task many / few': of('many', 'first task') / of('few', 'first task'),
    'open many / few': of('many', 'open') / of('few', 'open'),
  }),
  floors: { 'first task many / few': { atMost: 3 } },
}
