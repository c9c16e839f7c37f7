import type { AcceptOptions } from './accept/afterwork.ts'
import type { Seen } from './accept/protocol.ts'
import type { Benchmark } from './harness/benchmark.ts'
import type { Load } from './harness/load.ts'
import type { RunningSystem } from './harness/system.ts'
import { queueUrl } from './queue/url.ts'

/** Seconds of requests, at each number of connections. */
export interface AcceptSize {
  warmUp: number
  seconds: number
}

type Connections = 32 | 256
/** `left` is the share of the accepted tasks that had not ended when the requests did. */
type AcceptMeasure = `${'requests' | 'delay p99' | 'left'}, ${Connections}`

const plain = import.meta.resolve('./accept/plain.ts')
const afterwork = import.meta.resolve('./accept/afterwork.ts')

/** Requests that add a task, against requests that do not. */
export const accept: Benchmark<AcceptSize, AcceptMeasure> = {
  name: 'accept',
  description:
    'POST that adds a trivial task, is committed and answers 202, on 32 and on 256 connections: tasks that share messages, single tasks, or plain Koa without any',
  systems: [
    { name: 'plain', module: plain },
    { name: 'batch', module: afterwork },
    { name: 'single', module: afterwork },
  ],
  columns: [
    { measure: 'requests, 32', unit: '/s' },
    { measure: 'requests, 256', unit: '/s' },
    { measure: 'delay p99, 32', unit: 'ms', digits: 1 },
    { measure: 'delay p99, 256', unit: 'ms', digits: 1 },
    { measure: 'left, 32', unit: '', digits: 2 },
    { measure: 'left, 256', unit: '', digits: 2 },
  ],
  sizes: {
    full: { warmUp: 1.5, seconds: 5 },
    quick: { warmUp: 0.3, seconds: 0.7 },
  },
  durable: true,

  async measure({ system: { name }, size, load, folder, start }) {
    const options: AcceptOptions = { url: queueUrl(folder), batch: name === 'batch' }
    const system = await start(options)
    const at32 = await measureRequests(load, system, 32, size)
    const at256 = await measureRequests(load, system, 256, size)
    return {
      'requests, 32': at32.rate,
      'requests, 256': at256.rate,
      'delay p99, 32': at32.delay,
      'delay p99, 256': at256.delay,
      'left, 32': at32.left,
      'left, 256': at256.left,
    }
  },

  ratios: (of) => ({
    'batch / plain, 32': of('batch', 'requests, 32') / of('plain', 'requests, 32'),
    'batch / plain, 256': of('batch', 'requests, 256') / of('plain', 'requests, 256'),
    'single / plain, 32': of('single', 'requests, 32') / of('plain', 'requests, 32'),
    'single / plain, 256': of('single', 'requests, 256') / of('plain', 'requests, 256'),
    'delay p99 batch - plain, 32, ms': of('batch', 'delay p99, 32') - of('plain', 'delay p99, 32'),
    'delay p99 batch - plain, 256, ms': of('batch', 'delay p99, 256') - of('plain', 'delay p99, 256'),
    'delay p99 single - plain, 32, ms': of('single', 'delay p99, 32') - of('plain', 'delay p99, 32'),
    'delay p99 single - plain, 256, ms': of('single', 'delay p99, 256') - of('plain', 'delay p99, 256'),
    'left batch, 32': of('batch', 'left, 32'),
    'left batch, 256': of('batch', 'left, 256'),
    'left single, 32': of('single', 'left, 32'),
    'left single, 256': of('single', 'left, 256'),
  }),
  floors: {
    'batch / plain, 32': { atLeast: 0.4 },
    'batch / plain, 256': { atLeast: 0.5 },
    'single / plain, 32': { atLeast: 0.28 },
    'single / plain, 256': { atLeast: 0.33 },
    'delay p99 batch - plain, 32, ms': { atMost: 3 },
    'delay p99 batch - plain, 256, ms': { atMost: 3 },
    'delay p99 single - plain, 32, ms': { atMost: 3 },
    'delay p99 single - plain, 256, ms': { atMost: 3 },
    // Tasks must end as fast as they come: a queue that only takes them in is faster than it can last.
    'left batch, 32': { atMost: 0.1 },
    'left batch, 256': { atMost: 0.1 },
    'left single, 32': { atMost: 0.1 },
    'left single, 256': { atMost: 0.1 },
  },
}

/** What one measurement yields. */
interface Accepted {
  /** Answers a second. */
  rate: number
  /** p99 of the loop delay while they came, in milliseconds. */
  delay: number
  /** The share of the tasks that had not ended when the last answer came; NaN where there are none. */
  left: number
}

/** Sends, then sees to it that every answer accepted a task and that every task ends. */
async function measureRequests(
  load: Load,
  system: RunningSystem,
  connections: Connections,
  { warmUp, seconds }: AcceptSize,
): Promise<Accepted> {
  const requests = { url: `${system.url}/letters`, method: 'POST', connections }
  await load.closed({ ...requests, seconds: warmUp })
  const { accepted: before } = await system.ask<Seen>('settled')

  const { answered, failed, unanswered, rate } = await load.closed({ ...requests, seconds })
  const { accepted, delay, open } = await system.ask<Seen>('see')
  if (failed + unanswered > 0)
    throw new Error(`Expected 202 to every request, got ${failed} refusals and ${unanswered} without answer`)
  if (accepted === null) return { rate, delay, left: NaN }
  const added = accepted - (before ?? 0)
  if (added !== answered) throw new Error(`Expected ${answered} tasks, got ${added}`)
  await system.ask<Seen>('settled')
  return { rate, delay, left: open / added }
}
