import { defineTasks } from 'afterwork/tasks'

/** What the tests' processes work on. */
export const tasks = defineTasks(import.meta.url, {
  lives: () => import('./workers/lives.ts'),
})
