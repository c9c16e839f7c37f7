import { defineTasks } from 'afterwork/tasks'

export const tasks = defineTasks(import.meta.url, {
  mail: { load: () => import('./mail.ts'), pool: 'mail', retries: 8 },
})
