import type * as PromClient from 'prom-client'
import { checkKeys } from '../core/check.ts'
import { badOption } from '../core/errors.ts'
import type { Events } from '../core/events.ts'
import { importPeer } from '../core/peer.ts'
import type { TaskState } from '../core/task.ts'
import { sampleFileSystem } from './file-system-metrics.ts'
import { sampleLoop } from './loop-metrics.ts'
import { processMetrics } from './process-metrics.ts'
import { queueMetrics } from './queue-metrics.ts'
import { countTasks } from './task-metrics.ts'
import { workerMetrics } from './worker-metrics.ts'

/** A registry of prom-client, as far as it is used: whoever wants no metrics needs none of its types. */
export interface MetricsRegistry {
  readonly contentType: string
  metrics(): Promise<string>
  getSingleMetric(name: string): unknown
  registerMetric(metric: any): void
}

/** The threads of a pool. */
export interface Workers {
  /** Those on which something runs. */
  busy: number
  idle: number
  /** How many the pool may have. */
  most: number
}

/** Options of metrics(). */
export interface MetricsOptions {
  /** A registry of prom-client that takes the metrics. Default: one of their own, with those of the process. */
  register?: MetricsRegistry
  /** Put before /metrics. Default ''. */
  prefix?: string
}

/** Where the numbers come from. */
export interface MetricsSources {
  events: Events
  /** The tasks that are known; undefined while the queue is not open. */
  records(): { counters(): Promise<Record<TaskState, number>>; oldest(): Promise<number | null> } | undefined
  /** The threads of each pool. */
  workers(): Iterable<[pool: string, workers: Workers]>
}

/** Makes the metrics of a process, once somebody asks for them. */
export class Metrics {
  readonly #sources: MetricsSources
  #made: { register: MetricsRegistry | undefined; registry: Promise<MetricsRegistry> } | undefined
  #ends: (() => void)[] = []
  #stopped = false

  constructor(sources: MetricsSources) {
    this.#sources = sources
    sources.events.once('afterwork.stopped', () => {
      this.#stopped = true
      for (const end of this.#ends) end()
    })
  }

  /**
   * The registry that has the metrics: `register`, or one of their own, which also has those of the process.
   * @throws AFTERWORK_PACKAGE_MISSING, AFTERWORK_BAD_OPTION when it cannot take them, or they are in another
   */
  registry(register: MetricsRegistry | undefined): Promise<MetricsRegistry> {
    if (this.#made !== undefined && this.#made.register !== register)
      return Promise.reject(badOption('metrics().register', 'the same as before', register))
    if (this.#made === undefined) {
      const registry = this.#make(register)
      this.#made = { register, registry }
      registry.catch(() => (this.#made = undefined))
    }
    return this.#made.registry
  }

  async #make(register: MetricsRegistry | undefined): Promise<MetricsRegistry> {
    const client = await importPeer('Metrics need the package prom-client', 'prom-client', importPromClient)
    const own = new client.Registry()
    // Each makes its metrics now, and begins to work when it is called: nothing is left behind where they clash.
    const begins = [countTasks, queueMetrics, workerMetrics, sampleLoop, sampleFileSystem].map((make) =>
      make(client, own, this.#sources),
    )
    if (register === undefined) processMetrics(client, own)
    else moveTo(register, own)
    if (!this.#stopped) this.#ends = begins.map((begin) => begin())
    return register ?? own
  }
}

/** The same complete and checked; throws AFTERWORK_BAD_OPTION. */
export function resolveMetrics(given: MetricsOptions): {
  register: MetricsRegistry | undefined
  prefix: string
} {
  const { register, prefix = '' } = checkKeys(given, ['register', 'prefix'], 'metrics()') as MetricsOptions
  if (typeof prefix !== 'string') throw badOption('metrics().prefix', 'a string', prefix)
  if (register === undefined) return { register, prefix }
  const functions = ['metrics', 'getSingleMetric', 'registerMetric'] as const
  const { contentType } = Object(register) as MetricsRegistry
  if (typeof contentType === 'string' && functions.every((name) => typeof register[name] === 'function'))
    return { register, prefix }
  throw badOption('metrics().register', 'a registry of prom-client', register)
}

/** All or none. */
function moveTo(register: MetricsRegistry, own: PromClient.Registry): void {
  const metrics = own.getMetricsAsArray()
  for (const { name } of metrics) {
    if (register.getSingleMetric(name) !== undefined)
      throw badOption('metrics().register', `a registry without ${name}`, register)
  }
  for (const metric of metrics) register.registerMetric(metric)
}

function importPromClient(): Promise<typeof PromClient> {
  return import('prom-client')
}
