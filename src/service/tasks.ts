import { defineTasks } from '../tasks.ts'

/** What the service can do after a response. */
export const tasks = defineTasks(import.meta.url, {
  files: () => import('../../workers/files.ts'),
  http: { load: () => import('../../workers/http.ts'), pool: 'http', retries: 8, timeout: '11m' },
  mail: {
    load: () => import('../../workers/mail.ts'),
    pool: 'mail',
    // After 1 min, 4 min, 16 min, 64 min, 4 h and five times 8 h: for about two days, as mail servers do.
    retries: 10,
    backoff: { first: '1m', factor: 4, max: '8h' },
  },
  notifications: () => import('../../workers/notifications.ts'),
  reports: () => import('../../workers/reports.ts'),
  webhooks: {
    load: () => import('../../workers/webhooks.ts'),
    pool: 'http',
    // After 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, 6 h, 23 h, 24 h and 24 h: for about three days.
    retries: 10,
    backoff: { first: '5s', factor: 4, max: '24h' },
    timeout: '1m',
  },
})
