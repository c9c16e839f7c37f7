import { defineTasks } from 'afterwork/tasks'

/** How long an attempt may take, and each statement of it on the server, in milliseconds. */
export const timeout = 10_000

export const tasks = defineTasks(import.meta.url, {
  orders: {
    load: () => import('./orders.ts'),
    // A database allows only so many connections: threads times `max` of postgres.ts.
    pool: 'database',
    timeout,
    // For about an hour: a database that is away comes back, and nobody waits for the answer.
    retries: 20,
    backoff: { max: '5m' },
  },
})
