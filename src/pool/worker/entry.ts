import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { BroadcastChannel, parentPort, threadId, workerData } from 'node:worker_threads'
import { AfterworkError } from '../../core/errors.ts'
import { toError, toFailure, type Failure } from '../../core/failure.ts'
import { decodeArguments, encodeResult } from '../../core/value.ts'
import { Board } from '../board.ts'
import {
  envelopeLength,
  unpack,
  type Control,
  type End,
  type Envelope,
  type Replies,
  type Reply,
  type ThreadData,
  type ThreadMessage,
  type Work,
} from '../envelope.ts'
import { RunningTask, runningTask } from './current.ts'
import { knownTask, loadTask, preload, tearDown } from './load.ts'
import { readThrown } from './thrown.ts'

const { pool, catalog, control, board: memory } = workerData as ThreadData
const board = new Board(memory)
const running = new Set<RunningTask>()
let first = true

const requests = new BroadcastChannel(control)
requests.onmessage = (event: { data: unknown }) => {
  const request = event.data as Control
  if (request.type === 'stop') stop(request)
  else if (request.type === 'collect') {
    if (request.thread === threadId) collectGarbage()
  } else void leave()
}
requests.unref()

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

// The first task of a thread need not wait for its module; what fails here fails again, and is told, when it is run. One
// that still loads, on a busy machine, is not taken for one that is blocked.
void preload(catalog.tasks, pool)
  .catch(() => {})
  .finally(() => say({ type: 'ready', thread: threadId }))

/** Runs attempts in turn; Piscina calls it. It never rejects: what a task threw is in its reply. */
export default async function run(work: Work): Promise<Replies> {
  const replies: Reply[] = []
  for (let at = 0; at < work.length; at += envelopeLength) {
    const envelope = unpack(work, at)
    const { name, args } = envelope
    const task = begin(envelope)
    let end: End
    try {
      const call = knownTask(name) ?? (await loadTask(catalog.tasks, name))
      const given: unknown = task.run(call, ...decodeArguments(args))
      // To wait for what is there already would cost more than a small task does.
      const result = isObject(given) ? await given : given
      end = { ok: true, result: encodeResult(result, name) }
    } catch (thrown) {
      end = { ok: false, ...readThrown(thrown) }
    }
    replies.push(finish(task, end))
  }
  return replies.every((reply) => reply === undefined) ? undefined : replies
}

function begin(envelope: Envelope): RunningTask {
  const task = new RunningTask(envelope, catalog, envelope.row)
  running.add(task)
  board.begin(envelope.row, threadId, first)
  first = false
  return task
}

function finish(task: RunningTask, end: End): Reply {
  task.end()
  board.end(task.row)
  running.delete(task)
  const { said, followUps } = task
  if (end.ok && said === 0 && followUps === undefined) return end.result
  return { ...end, said, ...(followUps && { followUps }) }
}

function stop({ id, attempt, failure }: Extract<Control, { type: 'stop' }>): void {
  for (const task of running) if (task.id === id && task.attempt === attempt) task.stop(toError(failure))
}

function isObject(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
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

/** A thread on which something runs, deaf to its signal, is ended as it is. */
async function leave(): Promise<void> {
  if (running.size === 0) await tearDown(reportTeardown)
  say({ type: 'torn-down', thread: threadId })
}

function reportTeardown(module: string, error: unknown): void {
  const failure = toFailure(new Error(`teardown of module ${module} failed`, { cause: error }))
  say({ type: 'stray', thread: threadId, failure, fatal: false })
}

function say(message: ThreadMessage): void {
  parentPort?.postMessage(message)
}
