import type { Random } from '../crash/random.ts'
import { database as costs } from './constants.ts'
import type { Hardware } from './scenario.ts'
import { Servers } from './servers.ts'
import type { Timeline } from './timeline.ts'

/** A transaction of one statement. */
export interface Transaction {
  ms: number
  /** For its log; one without any has nothing to commit. */
  bytes: number
  /** Tells all listeners that tasks wait. */
  notifies?: boolean
  /** Sees and changes the tables, before it is committed; gives a part of its costs that it did not know before. */
  work?: () => Pick<Transaction, 'ms' | 'bytes'>
  done: () => void
}

/** Those who listen wake in groups of so many, one after the other. */
const wakeTogether = 32

/**
 * PostgreSQL, as far as it is the queue's: processors, a log whose disk takes all commits that wait in one write, and
 * notifications. A transaction with NOTIFY takes a lock of the whole server before it commits and keeps it until its commit is
 * on disk (PreCommit_Notify in src/backend/commands/async.c), so that those never share a write.
 */
export class SimulatedDatabase {
  readonly cores: Servers
  readonly notifyLock: Servers
  readonly limitLock: Servers
  /** Counted since reset(). */
  counts = { commits: 0, writes: 0, bytes: 0, announcements: 0, wakes: 0 }
  readonly #timeline: Timeline
  readonly #hardware: Hardware
  readonly #random: Random
  readonly #listeners: { asleep: boolean; wake: () => void }[] = []
  #waiting: { bytes: number; done: () => void }[] = []
  #isWriting = false

  constructor(timeline: Timeline, hardware: Hardware, random: Random) {
    this.#timeline = timeline
    this.#hardware = hardware
    this.#random = random
    this.cores = new Servers(timeline, hardware.cores)
    this.notifyLock = new Servers(timeline, 1)
    this.limitLock = new Servers(timeline, 1)
  }

  listen(wake: () => void): void {
    this.#listeners.push({ asleep: true, wake })
  }

  run({ ms, bytes, notifies = false, work, done }: Transaction): void {
    this.#use(ms, () => {
      const more = work?.() ?? { ms: 0, bytes: 0 }
      const written = bytes + more.bytes
      const commit = (): void => {
        if (written === 0) this.#timeline.after(this.#hardware.network, done)
        else if (notifies && this.#hardware.notifyInCommit) this.#commitAlone(written, done)
        else
          this.#write(written, () => {
            // A statement of its own, which nobody waits for.
            if (notifies) this.#use(costs.tell.value, () => this.#announce())
            this.#timeline.after(this.#hardware.network, done)
          })
      }
      if (more.ms > 0) this.#use(more.ms, commit)
      else commit()
    })
  }

  reset(): void {
    this.counts = { commits: 0, writes: 0, bytes: 0, announcements: 0, wakes: 0 }
    for (const servers of [this.cores, this.notifyLock, this.limitLock]) servers.reset()
  }

  #commitAlone(bytes: number, done: () => void): void {
    this.notifyLock.take(() =>
      this.#write(bytes, () => {
        this.notifyLock.give()
        this.#announce()
        this.#timeline.after(this.#hardware.network, done)
      }),
    )
  }

  #use(ms: number, done: () => void): void {
    this.cores.use(ms * this.#spread(), done)
  }

  /** No two statements take the same time. */
  #spread(): number {
    return 0.5 + this.#random.fraction()
  }

  #write(bytes: number, done: () => void): void {
    // At once: what a full disk has not written yet is what it lacks.
    this.counts.bytes += bytes
    this.#waiting.push({ bytes, done })
    if (!this.#isWriting) this.#writeAll()
  }

  #writeAll(): void {
    const together = this.#waiting
    this.#waiting = []
    this.#isWriting = together.length > 0
    if (!this.#isWriting) return
    const bytes = together.reduce((sum, one) => sum + one.bytes, 0)
    const { fsync, bandwidth } = this.#hardware
    this.#timeline.after(fsync * this.#spread() + bytes / bandwidth, () => {
      this.counts.commits += together.length
      this.counts.writes++
      for (const { done } of together) done()
      this.#writeAll()
    })
  }

  /** Who has not yet looked since an earlier one is not woken again. */
  #announce(): void {
    this.counts.announcements++
    const asleep = this.#listeners.filter((listener) => listener.asleep)
    for (let at = 0; at < asleep.length; at += wakeTogether) {
      const group = asleep.slice(at, at + wakeTogether)
      for (const listener of group) listener.asleep = false
      this.counts.wakes += group.length
      this.#use(group.length * costs.wake.value, () => {
        for (const listener of group) {
          listener.asleep = true
          listener.wake()
        }
      })
    }
  }
}
