import { stat } from 'node:fs'
import type { MakeMetrics } from './make-metrics.ts'
import { observeDelay } from './samples.ts'

/** In milliseconds. */
const interval = 500

/**
 * How long the file system takes to say what it has in memory. It goes through libuv's threads, which all threads of the
 * process share: native work in tasks can fill them, and then files, DNS and compression wait while every timer is in time.
 */
export const sampleFileSystem: MakeMetrics = (client, registry) => {
  const took = new client.Histogram({
    name: 'afterwork_file_system_probe_seconds',
    help: "How long a stat of a cached file took, sampled every 500 ms: the wait for one of libuv's threads",
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
    registers: [registry],
  })
  return () => {
    let ended = false
    const timer = setTimeout(function probe() {
      const asked = performance.now()
      // That the file may be gone does not matter: the answer takes as long.
      stat(process.execPath, () => {
        observeDelay(took, performance.now() - asked, interval)
        // Only now, so that probes never pile up.
        if (!ended) timer.refresh()
      })
    }, interval).unref()
    return () => {
      ended = true
      clearTimeout(timer)
    }
  }
}
