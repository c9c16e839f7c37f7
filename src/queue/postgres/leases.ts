import { hostname } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Place } from './place.ts'
import { threadFile } from './thread-file.ts'

/** A ticket that this process has. */
export interface Lease {
  id: string
  queue: string
  fence: number
}

/** What the thread is told. */
export type ToLeases = { keep: Lease[] } | { drop: string[] } | 'close'

/** What the thread tells: tickets that are another's now; that the process was taken for dead; that it failed. */
export type FromLeases = { lost: string[] } | { buried: number } | { failed: string }

export interface LeaseData extends Place {
  process: number
  /** What a process that was taken for dead says of itself again. */
  member: { host: string; pid: number; names: string[]; pools: string[] }
}

/**
 * Signs of life of this process and of the tickets that it has, from a thread of their own: whatever holds up the main
 * thread, its tasks go on.
 */
export class Leases {
  readonly #heard: (news: FromLeases) => void
  readonly #current: () => Lease[]
  #worker: Worker | undefined
  #dropped: string[] = []
  #closing = false

  /** `current` gives all leases, for a thread that takes the place of one that has died. */
  constructor(heard: (news: FromLeases) => void, current: () => Lease[]) {
    this.#heard = heard
    this.#current = current
  }

  start(data: LeaseData): void {
    const worker = new Worker(threadFile('leases'), { workerData: data })
    worker.unref()
    worker.on('message', this.#heard)
    worker.on('error', (error) => this.#heard({ failed: (error as Error).message }))
    worker.on('exit', () => {
      if (!this.#closing && this.#worker === worker) this.start(data)
    })
    this.#worker = worker
    this.keep(this.#current())
  }

  /** Said at once: what runs next may hold up this thread. */
  keep(leases: Lease[]): void {
    if (leases.length > 0) this.#worker?.postMessage({ keep: leases } satisfies ToLeases)
  }

  drop(id: string): void {
    if (this.#dropped.push(id) > 1) return
    setImmediate(() => {
      this.#worker?.postMessage({ drop: this.#dropped } satisfies ToLeases)
      this.#dropped = []
    })
  }

  async stop(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    this.#closing = true
    this.#worker = undefined
    const exited = new Promise((resolve) => worker.once('exit', resolve))
    worker.ref()
    worker.postMessage('close' satisfies ToLeases)
    await exited
  }
}

/** What a process says of itself. */
export function memberOf(names: Iterable<string>, pools: Iterable<string>): LeaseData['member'] {
  return { host: hostname(), pid: process.pid, names: [...names], pools: [...pools] }
}
