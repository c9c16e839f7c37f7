import type * as PromClient from 'prom-client'
import type { TaskEvent } from '../core/events.ts'
import type { MakeMetrics } from './make-metrics.ts'
import { TaskSeries, type Outcome } from './task-series.ts'

/** Counts outcomes, and observes how long attempts took and how long tasks waited for their first. */
export const countTasks: MakeMetrics = (client, registry, { events }) => {
  const series = new TaskSeries(instruments(client, registry))

  function ended(outcome: Outcome, told: TaskEvent & { duration: number; thread: number | null }): void {
    const found = series.of(told)
    found[outcome].inc()
    // One that lost its thread before it began took no time that would mean anything.
    if (told.thread !== null) found.duration.observe(seconds(told.duration))
  }

  return () => {
    events.on('task.started', (told) => {
      series.of(told)
      // What a later one waited for is mostly its backoff.
      if (told.attempt === 1) series.queue(told.pool).wait.observe(seconds(told.waited))
    })
    for (const outcome of ['succeeded', 'failed', 'retried'] as const)
      events.on(`task.${outcome}`, (told) => ended(outcome, told))
    for (const outcome of ['cancelled', 'interrupted', 'dropped'] as const)
      events.on(`task.${outcome}`, (told) => series.of(told)[outcome].inc())
    return () => {}
  }
}

function instruments(client: typeof PromClient, registry: PromClient.Registry) {
  const registers = [registry]
  return {
    total: new client.Counter({
      name: 'afterwork_tasks_total',
      help: 'Ends of attempts, and tasks that ended without one, by outcome; the queue is the name of the pool',
      labelNames: ['task', 'queue', 'outcome'],
      registers,
    }),
    duration: new client.Histogram({
      name: 'afterwork_task_duration_seconds',
      help: 'How long attempts ran that succeeded or failed',
      labelNames: ['task', 'queue'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600],
      registers,
    }),
    wait: new client.Histogram({
      name: 'afterwork_task_wait_seconds',
      help: 'How long tasks waited, from when they were added to the start of their first attempt',
      labelNames: ['queue'],
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 21_600],
      registers,
    }),
  }
}

/** The clock may have been set back meanwhile, and a sum must never fall. */
function seconds(milliseconds: number): number {
  return Math.max(0, milliseconds) / 1_000
}
