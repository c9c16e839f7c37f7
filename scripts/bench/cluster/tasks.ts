import { defineTasks } from 'afterwork/tasks'

/** The tasks of the benchmark of several processes. */
export const tasks = defineTasks(import.meta.url, {
  letters: () => import('./letters.ts'),
})
