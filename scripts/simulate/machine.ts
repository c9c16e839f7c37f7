import type { Random } from '../crash/random.ts'
import type { Cluster } from './cluster.ts'
import { SimulatedCoalescer } from './coalescer.ts'
import { database as costs, runtime, statements, type StatementKind } from './constants.ts'
import type { Load } from './scenario.ts'
import { Servers } from './servers.ts'
import type { Transaction } from './database.ts'

/** A task on its way. */
export interface SimulatedTask {
  kind: 'plain' | 'grouped' | 'unique' | 'limited'
  addedAt: number
  releasedAt: number
}

/** Tasks of a request that is a group. */
const groupSize = 3
const mostInOne = 1_000

/** A machine with one process that takes requests and runs tasks, as the engine and the dispatcher do it. */
export class Machine {
  readonly #cluster: Cluster
  readonly #random: Random
  readonly #load: Load
  readonly #pool: Servers
  readonly #adds: SimulatedCoalescer<SimulatedTask>
  readonly #releases: SimulatedCoalescer<SimulatedTask>
  readonly #settles: SimulatedCoalescer<SimulatedTask>
  readonly threads: Servers
  readonly #unnoted = new Set<SimulatedTask>()
  #free: number
  #claiming: 'no' | 'yes' | 'again' = 'no'
  #isNoting = false
  #running = 0
  #ended = 0

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.#random = cluster.random
    this.#load = cluster.scenario.load
    const { timeline, scenario } = cluster
    this.#free = scenario.hardware.threads
    this.threads = new Servers(timeline, scenario.hardware.threads)
    this.#pool = new Servers(timeline, runtime.pool.value)
    this.#adds = new SimulatedCoalescer(
      (tasks, done) => this.#statement('addSimple', tasks.length, () => (this.#added(tasks), done())),
      mostInOne,
    )
    this.#releases = new SimulatedCoalescer((tasks, done) => this.#release(tasks, done), mostInOne)
    this.#settles = new SimulatedCoalescer((tasks, done) => {
      this.#statement('settleSimple', tasks.length, () => (this.#settled(tasks.length), done()))
    }, runtime.mostSettled.value)
  }

  /** Takes requests from now on, if `takes`, and runs tasks. */
  start(takes: boolean): void {
    const { timeline, database } = this.#cluster
    const { lookEvery, renewEvery } = runtime
    if (takes) this.#nextRequest()
    database.listen(() => this.#fill())
    timeline.every(lookEvery.value, this.#random.fraction() * lookEvery.value, () => this.#look())
    timeline.every(renewEvery.value, this.#random.fraction() * renewEvery.value, () => this.#renew())
    this.#fill()
  }

  #nextRequest(): void {
    const { rate } = this.#load
    this.#cluster.timeline.after((this.#exponential() * 1_000) / rate, () => {
      this.#nextRequest()
      this.#request()
    })
  }

  /** Adds a task; or several, that much less often, for `rate` counts tasks. */
  #request(): void {
    const kind = this.#kind()
    if (kind === 'grouped' && !this.#random.chance(1 / groupSize)) return
    const addedAt = this.#cluster.timeline.now
    const tasks = Array.from({ length: kind === 'grouped' ? groupSize : 1 }, (): SimulatedTask => ({
      kind,
      addedAt,
      releasedAt: 0,
    }))
    this.#cluster.offered += tasks.length
    if (kind === 'plain' || kind === 'limited') for (const task of tasks) this.#adds.ask(task)
    else this.#statement('add', tasks.length, () => this.#added(tasks))
  }

  #kind(): SimulatedTask['kind'] {
    const { grouped, unique, limited } = this.#load
    const drawn = this.#random.fraction()
    if (drawn < grouped) return 'grouped'
    if (drawn < grouped + unique) return 'unique'
    return drawn < grouped + unique + limited ? 'limited' : 'plain'
  }

  #added(tasks: readonly SimulatedTask[]): void {
    for (const task of tasks) {
      this.#cluster.acknowledged(task)
      this.#releases.ask(task)
    }
  }

  #release(tasks: SimulatedTask[], done: () => void): void {
    this.#statement(
      'release',
      tasks.length,
      () => {
        for (const task of tasks) this.#cluster.ready(task)
        done()
      },
      { notifies: true },
    )
  }

  /** Claims until there is no room, or nothing to claim, as the dispatcher does. */
  #fill(): void {
    if (this.#claiming !== 'no') this.#claiming = 'again'
    else if (this.#free > 0) {
      this.#claiming = 'yes'
      this.#claim()
    }
  }

  #claim(): void {
    const { ms, rowMs, bytes, rowBytes } = statements.claim
    let claimed: SimulatedTask[] = []
    let holdsLimit = false
    let wasBusy = false
    this.#transaction({
      ms: costs.emptyClaim.value,
      bytes: 0,
      work: () => {
        ;({ claimed, holdsLimit, wasBusy } = this.#cluster.claim(this.#free))
        if (claimed.length === 0) return { ms: 0, bytes: 0 }
        return {
          ms: ms - costs.emptyClaim.value + rowMs * claimed.length,
          bytes: bytes + rowBytes * claimed.length,
        }
      },
      done: () => {
        if (holdsLimit) this.#cluster.database.limitLock.give()
        if (wasBusy) this.#cluster.timeline.after(runtime.limitedAgain.value, () => this.#fill())
        this.#cluster.claims(claimed.length)
        for (const task of claimed) this.#begin(task)
        const again = this.#claiming === 'again' || claimed.length > 0
        this.#claiming = 'no'
        if (again) this.#fill()
      },
    })
  }

  #begin(task: SimulatedTask): void {
    const { timeline } = this.#cluster
    this.#free--
    this.#running++
    this.#cluster.began(task)
    this.#unnoted.add(task)
    if (!this.#isNoting) {
      this.#isNoting = true
      timeline.after(runtime.noteAfter.value, () => this.#note())
    }
    const work = this.#exponential() * this.#load.work
    this.threads.use(work, () => {
      this.#free++
      this.#running--
      this.#unnoted.delete(task)
      if (task.kind === 'plain') this.#settles.ask(task)
      else this.#statement('settle', 1, () => this.#settled(1), { notifies: task.kind === 'limited' })
      this.#fill()
    })
  }

  /** Tells of those that began and have not ended meanwhile. */
  #note(): void {
    this.#isNoting = false
    const noted = this.#unnoted.size
    this.#unnoted.clear()
    if (noted > 0) this.#statement('note', noted, () => {})
  }

  #settled(tasks: number): void {
    this.#ended += tasks
    this.#cluster.ended += tasks
  }

  #look(): void {
    const ended = this.#ended
    this.#ended = 0
    const vacuum = { ms: ended * costs.vacuum.value }
    const upkeep = (): void => this.#statement('supervise', 0, () => this.#fill())
    this.#statement('look', ended, () => this.#statement('fold', 0, upkeep), vacuum)
  }

  #renew(): void {
    if (this.#running > 0) this.#statement('renew', this.#running, () => {})
    this.#statement('seen', 0, () => {})
  }

  #statement(
    kind: StatementKind,
    rows: number,
    done: () => void,
    { ms = 0, notifies = false }: { ms?: number; notifies?: boolean } = {},
  ): void {
    const cost = statements[kind]
    const isAdd = kind === 'add' || kind === 'addSimple'
    // The measured rows had 200 bytes of arguments.
    const size = isAdd ? Math.max(this.#load.size - 200, 0) : 0
    this.#cluster.sent(kind, rows)
    this.#transaction({
      ms: cost.ms + cost.rowMs * rows + ms,
      bytes: cost.bytes + (cost.rowBytes + size) * rows,
      notifies,
      done,
    })
  }

  #transaction(transaction: Transaction): void {
    const { ms, work, done } = transaction
    const cold = costs.cold.value
    this.#pool.take(() =>
      this.#cluster.database.run({
        ...transaction,
        ms: ms * cold,
        work: () => {
          const more = work?.() ?? { ms: 0, bytes: 0 }
          return { ms: more.ms * cold, bytes: more.bytes }
        },
        done: () => {
          this.#pool.give()
          done()
        },
      }),
    )
  }

  /** With a mean of one. */
  #exponential(): number {
    return -Math.log(1 - this.#random.fraction())
  }
}
