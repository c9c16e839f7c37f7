import { BroadcastChannel, threadId, workerData } from 'node:worker_threads'
import { AfterworkError } from '../../core/errors.ts'
import { toError, toFailure } from '../../core/failure.ts'
import { retryOf } from '../../core/task-error.ts'
import { decodeArguments, encodeResult } from '../../core/value.ts'
import {
  attemptKey,
  type AttemptReply,
  type Envelope,
  type Reply,
  type StopRequest,
  type ThreadData,
} from '../envelope.ts'
import { RunningTask } from './current.ts'
import { loadTask } from './load.ts'

const { tasks, control } = workerData as ThreadData
const running = new Map<string, RunningTask>()

const requests = new BroadcastChannel(control)
requests.onmessage = (event: { data: unknown }) => {
  const request = event.data as StopRequest
  running.get(attemptKey(request))?.stop(toError(request.failure))
}
requests.unref()

/** Runs one attempt; Piscina calls it. It never rejects: what the task threw is in the reply. */
export default async function run(envelope: Envelope): Promise<Reply> {
  const task = new RunningTask(envelope)
  const key = attemptKey(envelope)
  running.set(key, task)
  task.start(threadId)
  const end = await attempt(task, envelope)
  task.end()
  running.delete(key)
  return { ...end, said: task.said }
}

async function attempt(task: RunningTask, { name, args }: Envelope): Promise<AttemptReply> {
  try {
    const call = await loadTask(tasks, name)
    const result: unknown = await task.run(() => call(...decodeArguments(args)))
    return { ok: true, result: encodeResult(result, name) }
  } catch (thrown) {
    return failed(thrown)
  }
}

/** Reading a hostile error can throw again. */
function failed(thrown: unknown): AttemptReply {
  try {
    return { ok: false, failure: toFailure(thrown), retry: retryOf(thrown) }
  } catch (cause) {
    const message = 'The task threw something that cannot be read'
    return {
      ok: false,
      failure: toFailure(new AfterworkError('AFTERWORK_NOT_AN_ERROR', message, { cause })),
      retry: undefined,
    }
  }
}
