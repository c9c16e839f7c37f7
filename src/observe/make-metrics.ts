import type * as PromClient from 'prom-client'
import type { MetricsSources } from './metrics.ts'

/** Makes metrics in a registry; what it gives back begins to fill them, and gives back what ends that. */
export type MakeMetrics = (
  client: typeof PromClient,
  registry: PromClient.Registry,
  sources: MetricsSources,
) => () => () => void
