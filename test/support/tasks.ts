import { defineTasks } from 'afterwork/tasks'

/** The tasks of the tests' own apps. */
export const tasks = defineTasks(import.meta.url, {
  steps: () => import('./workers/steps.ts'),
})
