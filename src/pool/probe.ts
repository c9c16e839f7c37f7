import { Worker } from 'node:worker_threads'
import { AfterworkError } from '../core/errors.ts'
import { toError, toFailure, type Failure } from '../core/failure.ts'
import type { Catalog } from './envelope.ts'
import { workerFile } from './worker-file.ts'

/** How long all modules together may take to load, in milliseconds: one with an endless loop would hang the start. */
const patience = 60_000

export interface ProbeRequest {
  tasks: string
}

export type ProbeReply = { names: string[]; teardown: boolean } | { doing: string; failure: Failure }

/**
 * Loads every module of the tasks file once, in a thread of its own that then ends, and tells what it found.
 * Piscina would start a thread whose import fails again and again, and never settle its tasks.
 * @throws AFTERWORK_TASKS_FILE with one line that names the module and the reason
 */
export async function probeTasks(
  tasks: string,
  env: NodeJS.ProcessEnv,
): Promise<Pick<Catalog, 'names' | 'teardown'>> {
  const reply = await ask({ tasks }, env)
  if ('names' in reply) return { names: new Set(reply.names), teardown: reply.teardown }
  const [reason] = reply.failure.message.split('\n')
  throw new AfterworkError('AFTERWORK_TASKS_FILE', `Cannot ${reply.doing}: ${reason}`, {
    cause: toError(reply.failure),
  })
}

function ask(request: ProbeRequest, env: NodeJS.ProcessEnv): Promise<ProbeReply> {
  const worker = new Worker(workerFile('probe'), { workerData: request, env })
  const doing = `load the tasks file ${request.tasks}`
  const late = new Error(`it took longer than ${patience} ms`)
  return new Promise<ProbeReply>((resolve) => {
    const timer = setTimeout(() => resolve({ doing, failure: toFailure(late) }), patience)
    worker.once('message', resolve)
    worker.once('error', (error) => resolve({ doing, failure: toFailure(error) }))
    worker.once('exit', (code) => {
      clearTimeout(timer)
      resolve({ doing, failure: toFailure(new Error(`the thread ended with code ${code}`)) })
    })
  }).finally(() => void worker.terminate())
}
