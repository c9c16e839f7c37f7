import { createServer } from 'node:http'
import { isMainThread } from 'node:worker_threads'
import { defineTasks } from 'afterwork/tasks'

/** A tasks file that starts a server wherever it is imported. */
export const tasks = defineTasks(import.meta.url, { steps: () => import('../workers/steps.ts') })

if (!isMainThread) createServer().listen(0, '127.0.0.1')
