import { defineTasks } from 'afterwork/tasks'

/** The task of the benchmark `loop`; its tasks do not wait for each other. */
export const tasks = defineTasks(import.meta.url, {
  work: { load: () => import('./burn.ts'), ordered: false },
})
