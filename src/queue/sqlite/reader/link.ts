import type { Worker } from 'node:worker_threads'
import { AfterworkError } from '../../../core/errors.ts'
import { toError } from '../../../core/failure.ts'
import type { Question, Reading } from '../message.ts'

type Asked = Question extends infer Q ? (Q extends Question ? Omit<Q, 'number'> : never) : never

interface Waiting {
  resolve(found: unknown): void
  reject(error: Error): void
}

/** The way to the reader thread, which is started with the first question, and again when it has died. */
export class ReaderLink {
  readonly #start: () => Worker
  #worker: Worker | undefined
  #number = 0
  readonly #waiting = new Map<number, Waiting>()

  constructor(start: () => Worker) {
    this.#start = start
  }

  ask<T>(question: Asked): Promise<T> {
    const worker = (this.#worker ??= this.#spawn())
    const number = ++this.#number
    worker.postMessage({ ...question, number })
    worker.ref()
    return new Promise<unknown>((resolve, reject) =>
      this.#waiting.set(number, { resolve, reject }),
    ) as Promise<T>
  }

  async close(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    this.#worker = undefined
    const exited = new Promise((resolve) => worker.once('exit', resolve))
    worker.ref()
    worker.postMessage('close')
    await exited
  }

  #spawn(): Worker {
    const worker = this.#start()
    worker.on('message', (reading: Reading) => {
      const waiting = this.#waiting.get(reading.number)
      this.#waiting.delete(reading.number)
      // One that is being closed is waited for.
      if (this.#waiting.size === 0 && this.#worker === worker) worker.unref()
      if ('found' in reading) waiting?.resolve(reading.found)
      else waiting?.reject(failed(toError(reading.failure)))
    })
    let reason: Error | undefined
    worker.once('error', (error) => (reason = error as Error))
    worker.once('exit', (code) => {
      if (this.#worker !== worker && this.#worker !== undefined) return
      this.#worker = undefined
      const error = failed(reason ?? new Error(`The reader thread ended with code ${code}`))
      for (const waiting of this.#waiting.values()) waiting.reject(error)
      this.#waiting.clear()
    })
    return worker
  }
}

function failed(cause: Error): AfterworkError {
  return new AfterworkError('AFTERWORK_QUEUE_FAILED', `The queue could not be read: ${cause.message}`, {
    cause,
  })
}
