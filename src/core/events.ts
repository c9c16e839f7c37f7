import { EventEmitter } from 'node:events'
import type { Failure } from './failure.ts'
import type { Progress } from './task.ts'

/** What every event of a task says; `at` is milliseconds since 1970. */
export interface TaskEvent {
  id: string
  name: string
  pool: string
  at: number
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Every event, and what it tells. */
export interface AfterworkEvents {
  /** The queue is open, every module was found to load, tasks may be added. */
  'afterwork.started': [{ at: number; tasks: number }]
  /** No task runs any more; `left` tasks stay in the queue. */
  'afterwork.stopped': [{ at: number; left: number }]
  /** Something of afterwork itself failed that no caller can be told of. */
  'afterwork.error': [{ at: number; error: Error; during: string }]
  /** A task was committed; it is held until its response has closed when `held`. */
  'task.added': [TaskEvent & { held: boolean }]
  /** The response of its request has closed: the task may start. */
  'task.released': [TaskEvent]
  /** A task of a request that failed was thrown away, never committed. */
  'task.dropped': [TaskEvent & { reason: string }]
  /** The start of an attempt was recorded and the task goes to a thread. */
  'task.started': [TaskEvent & { attempt: number; waited: number }]
  /** A running task said how far it is. */
  'task.progress': [TaskEvent & { attempt: number; progress: Progress }]
  /** A running task logged a line. */
  'task.log': [
    TaskEvent & { attempt: number; level: LogLevel; message: string; fields: Record<string, unknown> },
  ]
  /** A task ended well; `duration` is milliseconds of the last attempt, `thread` the thread it ran on. */
  'task.succeeded': [TaskEvent & { attempt: number; duration: number; thread: number | null }]
  /** An attempt failed and another will be made at `runAt`. */
  'task.retried': [
    TaskEvent & { attempt: number; duration: number; thread: number | null; failure: Failure; runAt: number },
  ]
  /** An attempt ended through no fault of the task, which is queued again. */
  'task.interrupted': [TaskEvent & { attempt: number; failure: Failure }]
  /** A task was cancelled: by hand, or because an earlier one of its request did not succeed. */
  'task.cancelled': [TaskEvent & { attempt: number; failure: Failure }]
  /** A failed or cancelled task was queued again by hand. */
  'task.requeued': [TaskEvent]
  /**
   * A pool takes no more tasks until it is resumed; `failure` is that of the task that asked for it, null by hand. All
   * processes that share the queue tell it; `elsewhere` when another one did it.
   */
  'pool.paused': [{ pool: string; at: number; reason: string; failure: Failure | null; elsewhere: boolean }]
  /** A paused pool takes tasks again; `elsewhere` as above. */
  'pool.resumed': [{ pool: string; at: number; elsewhere: boolean }]
  /**
   * The sizes of a pool were changed, which are those of each process that works on it; `elsewhere` as above, or by what
   * was set before this process started.
   */
  'pool.resized': [
    {
      pool: string
      at: number
      minThreads: number
      maxThreads: number
      concurrency: number
      elsewhere: boolean
    },
  ]
  /** A task failed for good. */
  'task.failed': [TaskEvent & { attempt: number; duration: number; thread: number | null; failure: Failure }]
}

export type EventName = keyof AfterworkEvents
/** What it returns is ignored, but for a promise that rejects. */
export type Listener<K extends EventName> = (...args: AfterworkEvents[K]) => unknown

/** Typed events; a listener that throws or rejects is reported as 'afterwork.error' and never stops the work. */
export class Events {
  readonly #emitter = new EventEmitter({ captureRejections: false })

  constructor() {
    this.#emitter.setMaxListeners(0)
  }

  on<K extends EventName>(name: K, listener: Listener<K>): this {
    this.#emitter.on(name, listener)
    return this
  }

  once<K extends EventName>(name: K, listener: Listener<K>): this {
    this.#emitter.once(name, listener)
    return this
  }

  off<K extends EventName>(name: K, listener: Listener<K>): this {
    this.#emitter.off(name, listener)
    return this
  }

  /** Whether somebody listens, so that nobody's events need not be made. */
  has(name: EventName): boolean {
    return this.#emitter.listenerCount(name) > 0
  }

  emit<K extends EventName>(name: K, ...args: AfterworkEvents[K]): void {
    for (const listener of this.#emitter.rawListeners(name) as Listener<K>[]) {
      try {
        const returned: unknown = listener.apply(this.#emitter, args)
        if (returned instanceof Promise) returned.catch((error: unknown) => this.#listenerFailed(name, error))
      } catch (error) {
        this.#listenerFailed(name, error)
      }
    }
  }

  #listenerFailed(name: EventName, error: unknown): void {
    if (name === 'afterwork.error') return
    const cause = error instanceof Error ? error : new Error(String(error))
    this.emit('afterwork.error', { at: Date.now(), error: cause, during: `a listener of ${name}` })
  }
}
