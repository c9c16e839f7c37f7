import type { MakeMetrics } from './make-metrics.ts'
import { observeDelay } from './samples.ts'

/** In milliseconds. */
const interval = 50

/**
 * How late the main loop is. A timer feeds a histogram, for what perf_hooks keeps gives percentiles only, which cannot be
 * added up, neither over time nor over processes.
 */
export const sampleLoop: MakeMetrics = (client, registry) => {
  const lag = new client.Histogram({
    name: 'afterwork_event_loop_lag_seconds',
    help: 'How late the main event loop was, sampled every 50 ms: what a request had to wait that came then',
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
    registers: [registry],
  })
  return () => {
    let due = performance.now() + interval
    const timer = setTimeout(function sample() {
      const now = performance.now()
      observeDelay(lag, Math.max(0, now - due), interval)
      due = now + interval
      timer.refresh()
    }, interval).unref()
    return () => clearTimeout(timer)
  }
}
