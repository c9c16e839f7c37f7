import { defineTasks } from 'afterwork/tasks'

/** What the promises are tried on. */
export const tasks = defineTasks(import.meta.url, {
  lives: () => import('./workers/lives.ts'),
})
