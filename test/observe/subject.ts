import { Registry } from 'prom-client'
import type { AfterworkEvents } from '../../src/core/events.ts'
import { Events } from '../../src/core/events.ts'
import { Metrics, type MetricsSources } from '../../src/observe/metrics.ts'
import type { Ending } from '../support/endings.ts'
import { Exposition } from '../support/exposition.ts'

/** The metrics alone, told of tasks by the test. */
export async function metricsOf(ending: Ending, sources: Partial<MetricsSources> = {}) {
  const events = new Events()
  const register = new Registry()
  ending.teardown(() => events.emit('afterwork.stopped', { at: 0, left: 0 }))
  const none = { events, records: () => undefined, workers: () => [] }
  await new Metrics({ ...none, ...sources }).registry(register)
  return { events, register, scrape: async () => new Exposition(await register.metrics()) }
}

/** Keeps the main loop busy. */
export function block(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

/** What is told of an attempt. */
export function told(name: string, pool = 'cpu'): AfterworkEvents['task.started'][0] {
  return { id: name, name, pool, at: 0, attempt: 1, waited: 0 }
}
