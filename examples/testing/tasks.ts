import { defineTasks } from 'afterwork/tasks'

export const tasks = defineTasks(import.meta.url, {
  mail: {
    load: () => import('./workers/mail.ts'),
    pool: 'mail',
    retries: 2,
    backoff: { first: '1m', jitter: 0 },
  },
})
