import type { TaskRecord } from 'afterwork'
import { decodeValue } from '../../../src/core/value.ts'
import { startAfterwork } from '../../support/app.ts'
import type { Ending } from '../../support/endings.ts'
import type { EventLog } from '../../support/events.ts'
import { tasks } from './tasks.ts'

/** The tasks on real threads. */
export interface Subject {
  afterwork: Awaited<ReturnType<typeof startAfterwork>>['afterwork']
  events: EventLog
  /** What is known of a task that has ended, past or to come. */
  readonly ended: (task: { id: string }) => Promise<TaskRecord & { value: any }>
}

/** Starts them with an environment of their own; they end with the test. */
export async function start(ending: Ending, env: NodeJS.ProcessEnv = {}): Promise<Subject> {
  const http = { minThreads: 0, maxThreads: 1, concurrency: 20, nice: 0, env: { ...process.env, ...env } }
  const { afterwork, events } = await startAfterwork(ending, { tasks, pools: { http } })
  return {
    afterwork,
    events,
    async ended({ id }) {
      await events.ended(id)
      const record = (await afterwork.records.get(id))!
      return { ...record, value: record.result === null ? null : decodeValue(record.result) }
    },
  }
}
