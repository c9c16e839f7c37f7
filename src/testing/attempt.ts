import { clearTimeout, setTimeout } from 'node:timers'
import { AfterworkError } from '../core/errors.ts'
import type { AttemptEnd } from '../core/pool.ts'
import type { ClaimedTask } from '../core/task.ts'
import { decodeArguments, encodeResult } from '../core/value.ts'
import { outcomeOf, stopped } from '../pool/ending.ts'
import type { AttemptMessage, Catalog, Reply } from '../pool/envelope.ts'
import { grace } from '../pool/stopping.ts'
import { RunningTask } from '../pool/worker/current.ts'
import { readThrown } from '../pool/worker/thrown.ts'
import type { Bench } from './bench.ts'

/** One attempt in the process of the test. Values cross as text, as they do to a thread. */
export class Attempt {
  readonly task: ClaimedTask
  readonly #bench: Bench
  readonly #running: RunningTask
  readonly #lost = Promise.withResolvers<undefined>()
  readonly #ended = Promise.withResolvers<void>()
  readonly #timers: (() => void)[] = []
  /** Its function was called. */
  begun = false
  #startedAt: number | null = null
  /** Why it was asked to stop, once it was. */
  #stopping: AfterworkError | undefined

  constructor(task: ClaimedTask, bench: Bench, catalog: Catalog, heard: (message: AttemptMessage) => void) {
    this.task = task
    this.#bench = bench
    this.#running = new RunningTask(task, catalog, -1, heard)
  }

  async run(): Promise<AttemptEnd> {
    if (this.#stopping === undefined) {
      const { name, options } = this.task
      this.#startedAt = this.#bench.clock.now()
      this.#after(options.timeout, () => {
        void this.stop(
          new AfterworkError('AFTERWORK_TIMED_OUT', `${name} took longer than ${options.timeout} ms`),
        )
      })
    }
    const reply =
      this.#stopping === undefined ? await Promise.race([this.#reply(), this.#lost.promise]) : undefined
    this.#running.end()
    for (const cancel of this.#timers) cancel()
    this.#ended.resolve()
    const stopping = this.#stopping
    const outcome =
      reply === undefined && stopping !== undefined ? stopped(stopping) : outcomeOf(reply, { stopping })
    return { outcome, startedAt: this.#startedAt, thread: null }
  }

  /** Aborts its signal; what does not heed it within a second goes on, but its outcome is decided. */
  stop(reason: AfterworkError): Promise<void> {
    this.#stopping ??= reason
    this.#running.stop(this.#stopping)
    this.#after(grace, () => this.#lost.resolve(undefined))
    if (this.#startedAt === null) this.#ended.resolve()
    return this.#ended.promise
  }

  /** Likewise, and waits for nothing. */
  abandon(reason: AfterworkError): void {
    void this.stop(reason)
    this.#lost.resolve(undefined)
  }

  async #reply(): Promise<Reply> {
    const running = this.#running
    try {
      const call = await this.#bench.modules.task(this.task.name)
      this.begun = true
      const result: unknown = await running.run(call, ...decodeArguments(this.task.args))
      return this.#said({ ok: true, result: encodeResult(result, this.task.name) })
    } catch (thrown) {
      return this.#said({ ok: false, ...readThrown(thrown) })
    }
  }

  #said(end: object): Reply {
    const { followUps } = this.#running
    return { ...end, said: 0, ...(followUps && { followUps }) } as Reply
  }

  /** Time passes by itself while a task runs, as it does for the task, and by hand. */
  #after(wait: number, call: () => void): void {
    const timer = setTimeout(call, wait)
    const cancel = this.#bench.clock.after(wait, call)
    this.#timers.push(() => clearTimeout(timer), cancel)
  }
}
