import type { Worker } from 'node:worker_threads'
import { AfterworkError, type ErrorCode } from '../../core/errors.ts'
import { toError } from '../../core/failure.ts'
import type { Answer, News, Opened, Refusal, Totals } from './message.ts'

/** How long what must be stored in the end waits before it is tried again, in milliseconds. */
const retryDelay = 1_000
/** So many operations are sent though the transaction before them goes on. */
const worthwhile = 8
/** With so many in a transaction there is much to do. */
const several = 3
/** How long lazy ones wait then, in milliseconds, and how many of them at most. */
const patience = 4
const plenty = 64
/** A store that dies so many times within a minute is not started again. */
const mostDeaths = 5

/** One thing that the store is asked. */
export interface Operation {
  fields: readonly unknown[]
  /** It is stored; called in the order of the operations, before anything of the same transaction is told. */
  stored?(result: unknown): void
  /** Nothing of it was stored, or, where the store died, it cannot be known. */
  lost?(error: AfterworkError, unknown: boolean): void
  /** Asked again until it is stored. */
  persistent?: boolean
  /**
   * A `lazy` one waits a little while there is much to do: many that share a transaction cost far less. A `hasty` one
   * has nothing to do with the lazy ones that were asked before it, and may overtake them; any other may not.
   */
  manner?: 'lazy' | 'hasty' | undefined
}

/** What the link tells the engine. */
interface Hooks {
  /** About to send: what else should go along, and whether the lazy ones go. */
  collect(lazy: boolean): void
  /** A transaction is on disk, and this came of it beside the results. */
  committed(news: readonly News[]): void
  /** Another store goes on where one has died, which may have committed what it told nobody of. */
  resumed(opened: Opened & { type: 'opened' }): void
  /** Something went wrong that no caller can be told of. */
  error(error: Error, during: string): void
}

/**
 * The way to the store thread. What is asked while transactions go on is collected and sent as one message, which is
 * one transaction and one answer: the more there is to do, the more of it shares an fsync.
 */
export class StoreLink {
  readonly #start: (resumed: boolean) => Worker
  readonly #hooks: Hooks
  #worker: Worker | undefined
  #waiting: Operation[] = []
  #lazy: Operation[] = []
  /** When the first of the lazy ones was asked, on the clock of performance.now(). */
  #lazySince = 0
  /** Some of those that wait must not overtake the lazy ones. */
  #strict = false
  /** What was sent and not answered, a transaction each. */
  #sent: Operation[][] = []
  #scheduled: 'soon' | 'later' | undefined
  #timer: NodeJS.Timeout | undefined
  /** The last transaction had several operations. */
  #busy = false
  #totals: Totals = []
  #deaths: number[] = []
  /** The last transaction failed, of which was told. */
  #failing = false
  /** There is a store, or will be. */
  #opened = false
  #closed = false

  constructor(start: (resumed: boolean) => Worker, hooks: Hooks) {
    this.#start = start
    this.#hooks = hooks
  }

  /** Counters as of the last transaction. */
  get totals(): Totals {
    return this.#totals
  }

  /** Starts the store; what it says first. Throws what opening the file failed with. */
  async open(): Promise<Opened & { type: 'opened' }> {
    const opened = await this.#spawn(false)
    if (opened.type === 'refused') {
      this.#closed = true
      throw new AfterworkError(opened.code as ErrorCode, opened.message, { cause: toError(opened.failure) })
    }
    this.#opened = true
    this.#totals = opened.totals
    return opened
  }

  /**
   * Asks one thing; resolves with what `stored` makes of the result. Rejects with the refusal of the store, or
   * AFTERWORK_QUEUE_FAILED when it was not stored, or, `lost` is told, when that is unknown.
   */
  ask<T, R = T>(
    fields: readonly unknown[],
    stored: (result: T) => R | Promise<R> = asItIs,
    lost?: (unknown: boolean) => void,
    manner?: Operation['manner'],
  ): Promise<R> {
    const asked = new Asked(fields, manner, stored, lost)
    this.send(asked)
    return asked.answer
  }

  /** Asks one thing again and again until it is stored; rejects only when the queue is closed. */
  persist(fields: readonly unknown[], stored?: () => void): Promise<void> {
    return new Promise((resolve, reject) =>
      this.send({
        fields,
        stored: () => {
          stored?.()
          resolve()
        },
        lost: reject,
        persistent: true,
      }),
    )
  }

  send(operation: Operation): void {
    if (this.#closed) {
      operation.lost?.(failed(new Error('The queue is closed')), false)
      return
    }
    if (operation.manner === 'lazy') {
      if (this.#lazy.length === 0) this.#lazySince = performance.now()
      this.#lazy.push(operation)
    } else {
      if (operation.manner === undefined) this.#strict = true
      this.#waiting.push(operation)
    }
    this.schedule()
  }

  /** There is something to collect, also if nothing was sent. */
  schedule(): void {
    if (this.#scheduled === 'soon' || !this.#mayFlush()) return
    if (this.#waiting.length === 0 && this.#busy && this.#lazy.length < plenty) {
      if (this.#scheduled === 'later') return
      this.#scheduled = 'later'
      this.#timer = setTimeout(() => this.#flush(), patience)
    } else {
      clearTimeout(this.#timer)
      this.#scheduled = 'soon'
      setImmediate(() => this.#flush())
    }
  }

  /** Resolves when all that was asked so far is stored, or lost. */
  async settled(): Promise<void> {
    this.#hooks.collect(true)
    const restarting = this.#opened && this.#worker === undefined && !this.#closed
    if (this.#waiting.length + this.#lazy.length > 0 || restarting) {
      await new Promise<void>((resolve) => this.send(mark(resolve)))
    } else if (this.#sent.length > 0) {
      // With the last of what is on its way: there may always be something on its way.
      await new Promise<void>((resolve) => this.#sent.at(-1)!.push(mark(resolve)))
    }
  }

  /** Stores what is left and ends the thread. */
  async close(): Promise<void> {
    if (this.#closed) return
    if (this.#opened) await this.settled()
    this.#closed = true
    const worker = this.#worker
    if (worker === undefined) return
    const exited = new Promise((resolve) => worker.once('exit', resolve))
    worker.ref()
    worker.postMessage('close')
    await exited
  }

  /** A second transaction follows the first at once when it is worth its fsync; all others wait for an answer. */
  #mayFlush(): boolean {
    const most = this.#waiting.length < worthwhile && this.#lazy.length < plenty ? 1 : 2
    return this.#sent.length < most
  }

  /** Whether the lazy ones have waited for long enough. */
  #lazyGo(): boolean {
    if (!this.#busy || this.#strict || this.#waiting.length === 0 || this.#lazy.length >= plenty) return true
    return performance.now() - this.#lazySince >= patience
  }

  #flush(): void {
    clearTimeout(this.#timer)
    if (!this.#mayFlush() || this.#worker === undefined) {
      this.#scheduled = undefined
      return
    }
    const lazyGo = this.#lazyGo()
    // What is collected is sent now, and needs no turn of its own.
    this.#scheduled = 'soon'
    this.#hooks.collect(lazyGo)
    this.#scheduled = undefined
    const operations = lazyGo ? [...this.#lazy, ...this.#waiting] : this.#waiting
    if (operations.length === 0) return
    if (lazyGo) this.#lazy = []
    this.#waiting = []
    this.#strict = false
    this.#busy = operations.length >= several
    this.#sent.push(operations)
    const message: unknown[] = []
    // Those without fields only want to know when the others are stored.
    for (const { fields } of operations) for (const field of fields) message.push(field)
    this.#worker.ref()
    this.#worker.postMessage(message)
  }

  #answered(answer: Answer): void {
    const operations = this.#sent.shift() ?? []
    if (answer.type === 'failed') this.#failed(operations, failed(toError(answer.failure)))
    else {
      this.#failing = false
      this.#totals = answer.totals
      let next = 0
      for (const operation of operations) {
        const result = operation.fields.length === 0 ? undefined : answer.results[next++]
        operation.stored?.(result)
      }
      this.#hooks.committed(answer.news)
    }
    if (this.#sent.length === 0) {
      // A queue that has nothing to store keeps no process alive.
      this.#worker?.unref()
    }
    // The store has nothing to do until it is sent something.
    if (this.#waiting.length > 0) this.#flush()
    else this.schedule()
  }

  #failed(operations: readonly Operation[], error: AfterworkError): void {
    if (!this.#failing) this.#hooks.error(error, 'storing tasks')
    this.#failing = true
    const again = operations.filter(({ persistent }) => persistent === true)
    for (const operation of operations) if (operation.persistent !== true) operation.lost?.(error, false)
    if (again.length > 0)
      setTimeout(() => again.forEach((operation) => this.send(operation)), retryDelay).unref()
  }

  async #spawn(resumed: boolean): Promise<Opened> {
    const worker = this.#start(resumed)
    return await new Promise<Opened>((resolve, reject) => {
      worker.once('message', (first: Opened) => {
        // One that could not open the file ends by itself, and nobody misses it.
        if (first.type === 'opened') this.#worker = worker
        worker.on('message', (answer: Answer) => this.#answered(answer))
        worker.unref()
        resolve(first)
      })
      let reason: Error | undefined
      worker.once('error', (error: Error) => (reason = error))
      worker.once('exit', (code) => {
        const error = reason ?? new Error(`The store thread ended with code ${code}`)
        reject(failed(error))
        if (this.#worker === worker) void this.#died(error)
      })
    })
  }

  /** What was on its way may be stored or not: what can be asked twice is asked again of the next store. */
  async #died(error: Error): Promise<void> {
    this.#worker = undefined
    const operations = this.#sent.splice(0).flat()
    if (this.#closed) return
    this.#noteDeath(error)
    const again: Operation[] = []
    for (const operation of operations) {
      if (operation.persistent === true) again.push(operation)
      else operation.lost?.(failed(error), true)
    }
    this.#waiting.unshift(...again)
    try {
      const opened = await this.#spawnAgain()
      if (opened.type === 'refused') throw toError(opened.failure)
      this.#totals = opened.totals
      this.#hooks.resumed(opened)
      this.schedule()
    } catch (cause) {
      this.#closed = true
      this.#hooks.error(failed(cause as Error), 'starting the store of the queue again')
      const never = [...this.#lazy.splice(0), ...this.#waiting.splice(0)]
      for (const operation of never) operation.lost?.(failed(cause as Error), false)
    }
  }

  /** One that dies before it has opened the file has died as well. */
  async #spawnAgain(): Promise<Opened> {
    while (this.#deaths.length <= mostDeaths) {
      try {
        return await this.#spawn(true)
      } catch (error) {
        this.#noteDeath(error as Error)
      }
    }
    throw new Error('The store of the queue dies again and again')
  }

  #noteDeath(error: Error): void {
    this.#hooks.error(error, 'running the store of the queue')
    const now = performance.now()
    this.#deaths = [...this.#deaths.filter((at) => now - at < 60_000), now]
  }
}

/** One that somebody waits for: a class, for there are two to each task. */
class Asked<T, R> implements Operation {
  readonly fields: readonly unknown[]
  readonly manner: Operation['manner']
  readonly answer: Promise<R>
  readonly #stored: (result: T) => R | Promise<R>
  readonly #lost: ((unknown: boolean) => void) | undefined
  #resolve!: (answer: R | Promise<R>) => void
  #reject!: (error: AfterworkError) => void

  constructor(
    fields: readonly unknown[],
    manner: Operation['manner'],
    stored: (result: T) => R | Promise<R>,
    lost: ((unknown: boolean) => void) | undefined,
  ) {
    this.fields = fields
    this.manner = manner
    this.#stored = stored
    this.#lost = lost
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  stored(result: unknown): void {
    const refusal = refusalOf(result)
    if (refusal === undefined) this.#resolve(this.#stored(result as T))
    else this.#reject(refusal)
  }

  lost(error: AfterworkError, unknown: boolean): void {
    this.#lost?.(unknown)
    this.#reject(error)
  }
}

function asItIs<T, R>(result: T): R {
  return result as unknown as R
}

/** Tells when what was asked before it is stored, or lost. */
function mark(reached: () => void): Operation {
  return { fields: [], stored: reached, lost: reached }
}

/** An error that the store gave as a result. */
export function refusalOf(result: unknown): AfterworkError | undefined {
  if (typeof result !== 'object' || result === null || !('refused' in result)) return undefined
  const { refused, message } = result as Refusal
  return new AfterworkError(refused as ErrorCode, message)
}

function failed(cause: Error): AfterworkError {
  return new AfterworkError('AFTERWORK_QUEUE_FAILED', `The queue could not store it: ${cause.message}`, {
    cause,
  })
}
