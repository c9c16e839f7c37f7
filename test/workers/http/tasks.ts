import { defineTasks } from 'afterwork/tasks'

/** The service's tasks that call other services, with hardly a wait between their attempts. */
export const tasks = defineTasks(import.meta.url, {
  http: {
    load: () => import('../../../workers/http.ts'),
    pool: 'http',
    retries: 1,
    backoff: { first: 1, jitter: 0 },
  },
  webhooks: {
    load: () => import('../../../workers/webhooks.ts'),
    pool: 'http',
    retries: 2,
    backoff: { first: 1, jitter: 0 },
  },
})
