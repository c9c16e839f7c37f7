import type * as PromClient from 'prom-client'

/**
 * The few numbers of the process that go with those of the tasks, under their usual names. Not collectDefaultMetrics():
 * it reads files synchronously at each scrape, and cannot be stopped.
 */
export function processMetrics(client: typeof PromClient, registry: PromClient.Registry): void {
  const registers = [registry]
  new client.Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory of the process, its threads included',
    registers,
    collect() {
      this.set(process.memoryUsage.rss())
    },
  })
  new client.Counter({
    name: 'process_cpu_seconds_total',
    help: 'Time on the processor, of all threads',
    registers,
    collect() {
      const { user, system } = process.cpuUsage()
      this.reset()
      this.inc((user + system) / 1_000_000)
    },
  })
  new client.Gauge({
    name: 'process_start_time_seconds',
    help: 'When the process started, in seconds since 1970',
    registers,
  }).set(Math.round(performance.timeOrigin) / 1_000)
}
