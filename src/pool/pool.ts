import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { BroadcastChannel } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { AfterworkError } from '../core/errors.ts'
import type { LogLevel } from '../core/events.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import type { Outcome } from '../core/outcome.ts'
import type { AttemptEnd, PoolSizes, PoolState, Runner } from '../core/pool.ts'
import type { ClaimedTask, Progress } from '../core/task.ts'
import { attemptKey, type Message, type Reply, type StopRequest, type ThreadData } from './envelope.ts'
import { workerFile } from './worker-file.ts'

/** What a pool tells while attempts run. */
export interface PoolHooks {
  progress(task: ClaimedTask, progress: Progress): void
  log(task: ClaimedTask, level: LogLevel, message: string, fields: Record<string, unknown>): void
  /** A thread failed outside any task. */
  error(error: Error): void
}

/** One attempt that was handed to a thread. */
interface Flight {
  task: ClaimedTask
  startedAt: number | null
  thread: number | null
  /** Messages of it that arrived. */
  heard: number
  timer: NodeJS.Timeout | undefined
  /** Why it was asked to stop, once it was. */
  stopping: AfterworkError | undefined
}

/** How long a task that was asked to stop may take before its thread is ended, in milliseconds. */
const grace = 1_000
/** How many turns of the loop messages may come after what overtook them. */
const turns = 3
/** How long a thread above `minThreads` waits for work, in milliseconds. */
const idleTimeout = 30_000

/** Threads that run tasks, over Piscina, which only ever gets as many as it has free slots. */
export class Pool implements Runner {
  readonly name: string
  readonly sizes: PoolSizes
  readonly #hooks: PoolHooks
  readonly #piscina: Piscina
  readonly #control: BroadcastChannel
  readonly #flights = new Map<string, Flight>()
  /** Threads that we ended, and the attempt each was ended for. */
  readonly #ended = new Map<number, Flight>()
  #onEmpty = (): void => {}
  #stopped = false

  constructor(name: string, sizes: PoolSizes, tasks: string, hooks: PoolHooks) {
    this.name = name
    this.sizes = sizes
    this.#hooks = hooks
    const control = `afterwork.${name}.${randomUUID()}`
    this.#control = new BroadcastChannel(control)
    this.#piscina = new Piscina({
      filename: workerFile('entry'),
      minThreads: sizes.minThreads,
      maxThreads: sizes.maxThreads,
      concurrentTasksPerWorker: sizes.concurrency,
      idleTimeout,
      atomics: 'disabled',
      niceIncrement: sizes.nice,
      recordTiming: false,
      env: sizes.env,
      workerData: { tasks, control } satisfies ThreadData,
    })
    this.#piscina.on('message', (message: Message) => this.#heard(message))
    this.#piscina.on('error', (error: Error) => this.#hooks.error(error))
  }

  get free(): number {
    return this.sizes.maxThreads * this.sizes.concurrency - this.#flights.size
  }

  get state(): PoolState {
    const { minThreads, maxThreads, concurrency } = this.sizes
    return {
      name: this.name,
      minThreads,
      maxThreads,
      concurrency,
      paused: false,
      running: this.#flights.size,
    }
  }

  run(task: ClaimedTask): Promise<AttemptEnd> {
    const stopping = this.#stopped ? stoppingError() : undefined
    const flight: Flight = { task, startedAt: null, thread: null, heard: 0, timer: undefined, stopping }
    this.#flights.set(attemptKey(task), flight)
    return this.#fly(flight)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const flight of this.#flights.values()) {
      clearTimeout(flight.timer)
      this.#askToStop(flight, stoppingError())
    }
    await Promise.race([this.#empty(), wait(grace, undefined, { ref: false })])
    await this.#piscina.destroy()
    await this.#empty()
    this.#control.close()
  }

  /** Resolves when no attempt is left. */
  #empty(): Promise<void> {
    if (this.#flights.size === 0) return Promise.resolve()
    return new Promise((resolve) => (this.#onEmpty = resolve))
  }

  async #fly(flight: Flight): Promise<AttemptEnd> {
    const { id, attempt, name, args } = flight.task
    let outcome: Outcome
    try {
      // Piscina would start a thread again for a task that comes after its end.
      if (this.#stopped) throw flight.stopping
      const reply = (await this.#piscina.run({ id, attempt, name, args })) as Reply
      await caughtUp(() => flight.heard >= reply.said)
      outcome = outcomeOf(reply, flight)
    } catch (error) {
      await caughtUp(() => flight.thread !== null || flight.stopping !== undefined)
      outcome = this.#lost(flight, error)
    }
    clearTimeout(flight.timer)
    this.#flights.delete(attemptKey(flight.task))
    if (this.#flights.size === 0) this.#onEmpty()
    return { outcome, startedAt: flight.startedAt, thread: flight.thread }
  }

  #heard(message: Message): void {
    const flight = this.#flights.get(attemptKey(message))
    if (flight === undefined) return
    flight.heard++
    switch (message.type) {
      case 'started':
        flight.startedAt = message.at
        flight.thread = message.thread
        flight.timer = setTimeout(() => this.#timedOut(flight), flight.task.options.timeout)
        return
      case 'progress':
        return this.#hooks.progress(flight.task, message.progress)
      case 'log':
        return this.#hooks.log(flight.task, message.level, message.message, message.fields)
    }
  }

  #timedOut(flight: Flight): void {
    const { name, options } = flight.task
    this.#askToStop(
      flight,
      new AfterworkError('AFTERWORK_TIMED_OUT', `${name} took longer than ${options.timeout} ms`),
    )
    flight.timer = setTimeout(() => this.#endThread(flight), grace)
  }

  #askToStop(flight: Flight, reason: AfterworkError): void {
    flight.stopping ??= reason
    const { id, attempt } = flight.task
    this.#control.postMessage({ id, attempt, failure: toFailure(flight.stopping) } satisfies StopRequest)
  }

  #endThread(flight: Flight): void {
    const thread = this.#piscina.threads.find(({ threadId }) => threadId === flight.thread)
    if (thread === undefined) return
    this.#ended.set(thread.threadId, flight)
    thread.once('exit', () => setImmediate(() => this.#ended.delete(flight.thread!)))
    void thread.terminate()
  }

  /** The thread ended under an attempt: whose fault was it? */
  #lost(flight: Flight, error: unknown): Outcome {
    if (flight.stopping !== undefined) return stopped(flight.stopping)
    const culprit = flight.thread === null ? undefined : this.#ended.get(flight.thread)
    if (flight.thread === null || culprit !== undefined) {
      return {
        kind: 'interrupted',
        failure: toFailure(
          new AfterworkError('AFTERWORK_WORKER_EXITED', 'Its thread was ended for another task'),
        ),
      }
    }
    return { kind: 'failed', failure: threadFailure(flight.task.name, error) }
  }
}

/** Lets messages arrive that were overtaken on the way: they are here within a few turns of the loop, or never. */
async function caughtUp(done: () => boolean): Promise<void> {
  for (let turn = 0; turn < turns && !done(); turn++) await nextTurn()
}

function stoppingError(): AfterworkError {
  return new AfterworkError('AFTERWORK_STOPPING', 'The process is stopping')
}

function outcomeOf(reply: Reply, { stopping }: Flight): Outcome {
  if (reply.ok) return { kind: 'succeeded', result: reply.result }
  if (stopping === undefined) return { kind: 'failed', failure: reply.failure, retry: reply.retry }
  return stopped(stopping, reply.failure)
}

/** A task that was asked to stop and failed; that it failed otherwise meanwhile is kept as the cause. */
function stopped(reason: AfterworkError, thrown?: Failure): Outcome {
  const failure = toFailure(reason)
  if (thrown !== undefined && thrown.code !== reason.code) failure.cause = thrown
  return { kind: reason.code === 'AFTERWORK_STOPPING' ? 'interrupted' : 'failed', failure }
}

function threadFailure(name: string, error: unknown): Failure {
  const { code, message } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : { code: undefined, message: String(error) }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return toFailure(
      new AfterworkError('AFTERWORK_OUT_OF_MEMORY', `${name} filled the heap of its thread`, {
        cause: error,
      }),
    )
  }
  if (/^worker exited with code/i.test(message)) {
    return toFailure(new AfterworkError('AFTERWORK_WORKER_EXITED', `${name} ended its thread: ${message}`))
  }
  return toFailure(
    new AfterworkError(
      'AFTERWORK_THREW_LATE',
      `Nothing caught an exception in the thread of ${name}: ${message}`,
      { cause: error },
    ),
  )
}
