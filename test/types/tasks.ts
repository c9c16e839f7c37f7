import { defineTasks } from 'afterwork/tasks'

export const tasks = defineTasks(import.meta.url, {
  shop: () => import('./shop.ts'),
  slow: {
    load: () => import('./shop.ts'),
    pool: 'slow',
    retries: 3,
    tasks: { ship: { concurrency: 1 }, default: { rateLimit: { max: 5, per: '1m' } } },
  },
})
