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

/** What the thread is told: leases by their ids, null where there is none any more. */
export type ToLeases = Map<string, Lease | null> | 'close'

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
  /** What the thread has yet to be told. */
  #unsaid: Map<string, Lease | null> = new Map()
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
    this.keep(this.#current(), true)
  }

  /** Said in the end of this turn of the loop; or `atOnce`, with all that waits, where what runs next may hold up this thread. */
  keep(leases: readonly Lease[], atOnce: boolean): void {
    for (const lease of leases) this.#change(lease.id, lease)
    if (atOnce) this.#say()
  }

  drop(id: string): void {
    this.#change(id, null)
  }

  #change(id: string, lease: Lease | null): void {
    if (this.#unsaid.size === 0) setImmediate(() => this.#say())
    this.#unsaid.set(id, lease)
  }

  #say(): void {
    if (this.#unsaid.size === 0) return
    this.#worker?.postMessage(this.#unsaid satisfies ToLeases)
    this.#unsaid = new Map()
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
