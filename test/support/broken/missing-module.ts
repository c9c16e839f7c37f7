import { defineTasks } from 'afterwork/tasks'

const file = './no-such-module.ts'

/** Tasks one of whose modules is not there. */
export const tasks = defineTasks(import.meta.url, {
  steps: () => import('../workers/steps.ts'),
  gone: () => import(file) as Promise<object>,
})
