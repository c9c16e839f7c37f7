import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { BroadcastChannel, parentPort, threadId, workerData } from 'node:worker_threads'
import { AfterworkError } from '../../core/errors.ts'
import { toError, toFailure, type Failure } from '../../core/failure.ts'
import { steeringOf } from '../../core/task-error.ts'
import { decodeArguments, encodeResult } from '../../core/value.ts'
import {
  attemptKey,
  type AttemptReply,
  type Control,
  type Envelope,
  type Reply,
  type ThreadData,
  type ThreadMessage,
} from '../envelope.ts'
import { RunningTask, runningTask } from './current.ts'
import { loadTask, preload, tearDown } from './load.ts'

const { pool, catalog, control } = workerData as ThreadData
const running = new Map<string, RunningTask>()
let first = true

const requests = new BroadcastChannel(control)
requests.onmessage = (event: { data: unknown }) => {
  const request = event.data as Control
  if (request.type === 'stop') running.get(attemptKey(request))?.stop(toError(request.failure))
  else if (request.type === 'collect') {
    if (request.thread === threadId) collectGarbage()
  } else void tearDown(reportTeardown).then(() => say({ type: 'torn-down', thread: threadId }))
}
requests.unref()
say({ type: 'ready', thread: threadId })

const exit = process.exit.bind(process)
process.exit = (code) => {
  const message = `${runningTask()?.name ?? 'A task'} called process.exit(${code ?? ''})`
  const failure = toFailure(new AfterworkError('AFTERWORK_WORKER_EXITED', message))
  if (runningTask()?.ended === true)
    say({ type: 'stray', thread: threadId, failure, fatal: 'of an ended task' })
  else runningTask()?.endThread(failure)
  return exit(code)
}

process.on('uncaughtException', (error) => {
  const task = runningTask()
  if (task === undefined) {
    say({ type: 'stray', thread: threadId, failure: late('a task', error), fatal: 'unknown' })
    return exit(1)
  }
  if (!task.ended) return task.endThread(late(task.name, error))
  say({
    type: 'stray',
    thread: threadId,
    failure: late(`${task.name}, which had ended`, error),
    fatal: false,
  })
})

// The first task of a thread need not wait for its module; what fails here fails again, and is told, when it is run.
void preload(catalog.tasks, pool).catch(() => {})

/** Runs an attempt, or a batch of them in turn; Piscina calls it. It never rejects: what a task threw is in its reply. */
export default async function run(work: Envelope | Envelope[]): Promise<Reply | Reply[]> {
  if (!Array.isArray(work)) return runOne(work)
  const replies: Reply[] = []
  for (const envelope of work) replies.push(await runOne(envelope))
  return replies
}

async function runOne(envelope: Envelope): Promise<Reply> {
  const task = new RunningTask(envelope, catalog)
  const key = attemptKey(envelope)
  running.set(key, task)
  task.start(threadId, first)
  first = false
  const end = await attempt(task, envelope)
  task.end()
  running.delete(key)
  return { ...end, said: task.said }
}

async function attempt(task: RunningTask, { name, args }: Envelope): Promise<AttemptReply> {
  const { followUps } = task
  try {
    const call = await loadTask(catalog.tasks, name)
    const result: unknown = await task.run(() => call(...decodeArguments(args)))
    return { ok: true, result: encodeResult(result, name), followUps }
  } catch (thrown) {
    return { ok: false, ...read(thrown), followUps }
  }
}

/** Reading a hostile error can throw again. */
function read(thrown: unknown): Pick<Extract<AttemptReply, { ok: false }>, 'failure' | 'steering'> {
  try {
    return { failure: toFailure(thrown), steering: steeringOf(thrown) }
  } catch (cause) {
    const error = new AfterworkError(
      'AFTERWORK_NOT_AN_ERROR',
      'The task threw something that cannot be read',
      { cause },
    )
    return { failure: toFailure(error), steering: steeringOf(undefined) }
  }
}

function late(whose: string, cause: unknown): Failure {
  const message = cause instanceof Error ? cause.message : String(cause)
  return toFailure(
    new AfterworkError('AFTERWORK_THREW_LATE', `Nothing caught an exception of ${whose}: ${message}`, {
      cause,
    }),
  )
}

function collectGarbage(): void {
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc') as () => void
  // Or every thread that starts from now on would have a global `gc`.
  setFlagsFromString('--no-expose_gc')
  collect()
  say({ type: 'collected', thread: threadId })
}

function reportTeardown(module: string, error: unknown): void {
  const failure = toFailure(new Error(`teardown of module ${module} failed`, { cause: error }))
  say({ type: 'stray', thread: threadId, failure, fatal: false })
}

function say(message: ThreadMessage): void {
  parentPort?.postMessage(message)
}
