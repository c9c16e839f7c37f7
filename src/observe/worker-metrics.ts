import type { MakeMetrics } from './make-metrics.ts'

/** How many threads there are and do something, and how long the longest attempt has been running. */
export const workerMetrics: MakeMetrics = (client, registry, sources) => {
  /** When each attempt started, oldest first, on the clock of performance.now(). */
  const running = new Map<string, number>()
  const registers = [registry]
  new client.Gauge({
    name: 'afterwork_workers',
    help: 'Threads a pool may have: busy with at least one task, idle, or unstarted; the queue is the name of the pool',
    labelNames: ['queue', 'state'],
    registers,
    collect() {
      this.reset()
      for (const [queue, { busy, idle, most }] of sources.workers()) {
        this.set({ queue, state: 'busy' }, busy)
        this.set({ queue, state: 'idle' }, idle)
        // A pool that was made smaller may still have more than it should.
        this.set({ queue, state: 'unstarted' }, Math.max(0, most - busy - idle))
      }
    },
  })
  new client.Gauge({
    name: 'afterwork_running_max_seconds',
    help: 'How long the longest of the attempts that run has been running, 0 when none does',
    registers,
    collect() {
      const [oldest] = running.values()
      this.set(oldest === undefined ? 0 : (performance.now() - oldest) / 1_000)
    },
  })
  const ended = ({ id }: { id: string }): void => void running.delete(id)
  return () => {
    const { events } = sources
    events.on('task.started', ({ id }) => void running.set(id, performance.now()))
    for (const name of ['succeeded', 'failed', 'retried', 'cancelled', 'interrupted'] as const)
      events.on(`task.${name}`, ended)
    return () => running.clear()
  }
}
