import { createServer } from 'node:http'
import { isMainThread } from 'node:worker_threads'
import { createAfterwork } from 'afterwork'
import { defineTasks } from 'afterwork/tasks'

/** A file that is the app and the tasks at once, by mistake: a worker that imports it would start a second app. */
export const tasks = defineTasks(import.meta.url, { steps: () => import('../workers/steps.ts') })

if (!isMainThread) createAfterwork({ tasks, logger: false })
export const server = createServer()
