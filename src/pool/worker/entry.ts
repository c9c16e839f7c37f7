import { BroadcastChannel, threadId, workerData } from 'node:worker_threads'
import { AfterworkError } from '../../core/errors.ts'
import { toError, toFailure, type Failure } from '../../core/failure.ts'
import { decodeArguments, encodeResult } from '../../core/value.ts'
import { attemptKey, type Envelope, type Reply, type StopRequest, type ThreadData } from '../envelope.ts'
import { RunningTask, say } from './current.ts'
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
  say({ type: 'started', id: envelope.id, attempt: envelope.attempt, thread: threadId })
  try {
    const call = await loadTask(tasks, envelope.name)
    const result: unknown = await task.run(() => call(...decodeArguments(envelope.args)))
    return { ok: true, result: encodeResult(result, envelope.name) }
  } catch (thrown) {
    return { ok: false, failure: failureOf(thrown) }
  } finally {
    task.end()
    running.delete(key)
  }
}

/** Reading a hostile error can throw again. */
function failureOf(thrown: unknown): Failure {
  try {
    return toFailure(thrown)
  } catch (cause) {
    return toFailure(
      new AfterworkError('AFTERWORK_NOT_AN_ERROR', 'The task threw something that cannot be read', { cause }),
    )
  }
}
