import { defineTasks } from '../tasks.ts'

/** What the service can do after a response. */
export const tasks = defineTasks(import.meta.url, {
  files: () => import('../../workers/files.ts'),
  mail: { load: () => import('../../workers/mail.ts'), pool: 'mail', retries: 8 },
  notifications: () => import('../../workers/notifications.ts'),
})
