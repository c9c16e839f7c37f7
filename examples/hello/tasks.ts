import { defineTasks } from 'afterwork/tasks'

export const tasks = defineTasks(import.meta.url, {
  slow: () => import('./slow.ts'),
})
