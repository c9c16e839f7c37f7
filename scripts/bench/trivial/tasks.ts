import { defineTasks } from 'afterwork/tasks'

/** The tasks of the benchmarks of the queue. */
export const tasks = defineTasks(import.meta.url, {
  count: () => import('./count.ts'),
})
