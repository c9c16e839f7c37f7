import { defineTasks } from 'afterwork/tasks'

export const tasks = defineTasks(import.meta.url, {
  deaths: () => import('../pool/fixtures/deaths.ts'),
  stages: () => import('../pool/fixtures/stages.ts'),
  life: { load: () => import('./workers/life.ts'), tasks: { impatient: { retries: 2 } } },
})
