import { defineTasks } from 'afterwork/tasks'

/** Tasks that take the process with them, and others beside them. */
export const tasks = defineTasks(import.meta.url, {
  crashes: () => import('./workers/crashes.ts'),
})
