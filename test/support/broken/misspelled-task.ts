import { defineTasks } from 'afterwork/tasks'

/** Options for a task that its module does not export, which TypeScript would refuse. */
export const tasks = defineTasks(import.meta.url, {
  steps: { load: () => import('../workers/steps.ts'), tasks: { ekko: { retries: 1 } } as object },
})
