import { setTimeout as wait } from 'node:timers/promises'
import type { Benchmark } from './harness/benchmark.ts'

/** Tasks of one burst, the CPU time of each in milliseconds, and the pings beside them. */
export interface LoopSize {
  tasks: number
  ms: number
  /** Pings a second. */
  rate: number
  /** Seconds of pings where no tasks end them: `idle`, and `plain` at most. */
  seconds: number
  /** Seconds of pings before the burst. */
  warmUp: number
}

type LoopMeasure = 'pings' | 'p50' | 'p99' | 'max' | 'unanswered' | 'lag p99' | 'work ended'

/** Starts the work of a burst; resolves when all of it has ended. */
type Burst = (url: string, size: LoopSize, signal: AbortSignal) => Promise<void>

/** The most seconds that the tasks of a burst may take. */
const limit = 90

const bursts: Record<string, Burst> = {
  idle: (_url, { seconds }, signal) => wait(seconds * 1_000, undefined, { signal }),
  afterwork: async (url, { tasks, ms }, signal) => {
    await answer(`${url}/burst?tasks=${tasks}&ms=${ms}`, 'POST', signal)
    await answer(`${url}/ended`, 'GET', signal)
  },
  plain: async (url, { tasks, ms }, signal) => {
    const requests = Array.from({ length: tasks }, () => answer(`${url}/work?ms=${ms}`, 'POST', signal))
    await Promise.all(requests)
  },
}

/** Latency of GET /ping while CPU-bound work waits and runs. */
export const loop: Benchmark<LoopSize, LoopMeasure> = {
  name: 'loop',
  description:
    'latency of GET /ping, sent on schedule, beside a burst of CPU-bound work: none, as tasks, or in the handlers of plain Koa',
  systems: [
    { name: 'idle', module: import.meta.resolve('./loop/afterwork.ts') },
    { name: 'afterwork', module: import.meta.resolve('./loop/afterwork.ts') },
    { name: 'plain', module: import.meta.resolve('./loop/plain.ts') },
  ],
  columns: [
    { measure: 'pings', unit: '' },
    { measure: 'p50', unit: 'ms', digits: 1 },
    { measure: 'p99', unit: 'ms', digits: 1 },
    { measure: 'max', unit: 'ms', digits: 1 },
    { measure: 'unanswered', unit: '' },
    { measure: 'lag p99', unit: 'ms', digits: 1 },
    { measure: 'work ended', unit: 's', digits: 1 },
  ],
  sizes: {
    full: { tasks: 60, ms: 300, rate: 100, seconds: 10, warmUp: 1 },
    quick: { tasks: 12, ms: 300, rate: 100, seconds: 2, warmUp: 0.5 },
  },

  async measure({ system: { name }, size, load, start }) {
    const { url } = await start()
    const pings = { url: `${url}/ping`, rate: size.rate, connections: 500 }
    await load.open({ ...pings, seconds: size.warmUp })

    const over = new AbortController()
    const seconds = name === 'afterwork' ? limit : size.seconds
    const pinging = load.open({ ...pings, seconds, signal: over.signal })
    const startedAt = performance.now()
    const ended = bursts[name]!(url, size, over.signal).then(() => (performance.now() - startedAt) / 1_000)
    ended.finally(() => over.abort()).catch(() => {})
    const seen = await pinging
    over.abort()
    const work = await ended.catch(cutShort)
    if (name === 'afterwork' && Number.isNaN(work)) throw new Error(`its tasks did not end in ${limit} s`)
    return {
      pings: seen.requests,
      p50: seen.p50,
      p99: seen.p99,
      max: seen.max,
      unanswered: seen.unanswered + seen.failed,
      'lag p99': seen.lag,
      'work ended': name === 'idle' ? NaN : work,
    }
  },

  ratios: (of) => ({
    'unanswered, afterwork': of('afterwork', 'unanswered'),
    'p99 afterwork - idle, ms': of('afterwork', 'p99') - of('idle', 'p99'),
    'p99 plain / afterwork': of('plain', 'p99') / of('afterwork', 'p99'),
  }),
  floors: {
    'unanswered, afterwork': { atMost: 0, in: 'every round' },
    'p99 afterwork - idle, ms': { atMost: 10 },
    'p99 plain / afterwork': { atLeast: 10 },
  },
}

/** Work that the end of the pings cut short has no duration. */
function cutShort(error: Error): number {
  if (error.name === 'AbortError') return NaN
  throw error
}

async function answer(url: string, method: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, { method, signal })
  await response.arrayBuffer()
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status}`)
}
