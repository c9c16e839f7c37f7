import { defineTasks } from 'afterwork/tasks'

/** What the service of the harness can do after a response. */
export const tasks = defineTasks(import.meta.url, {
  notes: {
    load: () => import('./workers/notes.ts'),
    tasks: { tiny: { batch: true }, flaky: { retries: 2, backoff: { first: 50, max: 200 } } },
  },
  mail: {
    load: () => import('./workers/mail.ts'),
    pool: 'mail',
    retries: 8,
    backoff: { first: 50, max: 1_000 },
  },
  files: () => import('./workers/files.ts'),
})
