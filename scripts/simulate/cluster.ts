import { Random } from '../crash/random.ts'
import { runtime, type StatementKind } from './constants.ts'
import { SimulatedDatabase } from './database.ts'
import { Machine, type SimulatedTask } from './machine.ts'
import type { Scenario } from './scenario.ts'
import { Line } from './servers.ts'
import { Timeline } from './timeline.ts'

/** Milliseconds, sorted out later. */
export class Delays {
  readonly #all: number[] = []

  add(ms: number): void {
    this.#all.push(ms)
  }

  clear(): void {
    this.#all.length = 0
  }

  /** The delay that such a share of them does not exceed; NaN where there are none. */
  quantile(share: number): number {
    const sorted = Float64Array.from(this.#all).sort()
    return sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)] ?? Number.NaN
  }
}

/** What was seen of a cluster; rates are by the second. */
export interface Observed {
  machines: number
  offered: number
  ended: number
  commits: number
  /** Bytes of the log a second. */
  log: number
  announcements: number
  /** Listeners that were woken. */
  wakes: number
  claims: number
  emptyClaims: number
  /** Rows a statement, of those that may be shared. */
  batch: number
  /** Shares of the time, of 1. */
  used: { cores: number; notifyLock: number; limitLock: number; threads: number }
  /** Processors of each process that the queue takes. */
  processCores: number
  /** Milliseconds: until the 202, and from the release to the start. */
  acknowledged: { p50: number; p99: number }
  dispatched: { p50: number; p99: number }
}

/** Machines that share a database. */
export class Cluster {
  readonly timeline = new Timeline()
  readonly random: Random
  readonly scenario: Scenario
  readonly database: SimulatedDatabase
  offered = 0
  ended = 0
  readonly #machines: Machine[]
  readonly #plain = new Line<SimulatedTask>()
  readonly #limited = new Line<SimulatedTask>()
  readonly #acknowledged = new Delays()
  readonly #dispatched = new Delays()
  #claims = 0
  #emptyClaims = 0
  #statements = 0
  #shared = { statements: 0, rows: 0 }

  /** `backlog` plain tasks wait from the beginning. */
  constructor(scenario: Scenario, machines: number, { backlog = 0, takes = true } = {}) {
    this.scenario = scenario
    this.random = new Random(scenario.seed)
    this.database = new SimulatedDatabase(this.timeline, scenario.hardware, this.random)
    for (let left = backlog; left > 0; left--) this.#plain.push({ kind: 'plain', addedAt: 0, releasedAt: 0 })
    this.#machines = Array.from({ length: machines }, () => new Machine(this))
    for (const machine of this.#machines) machine.start(takes)
  }

  /** Lets it run warm, and then looks at it for so many milliseconds. */
  observe(warm: number, ms: number): Observed {
    this.timeline.runUntil(warm)
    this.#reset()
    this.timeline.runUntil(warm + ms)
    const perSecond = 1_000 / ms
    const { counts, cores, notifyLock, limitLock } = this.database
    const machines = this.#machines.length
    const threads = this.#machines.reduce((sum, machine) => sum + machine.threads.used, 0) / machines
    const process = this.#statements * runtime.statement.value + this.#shared.rows * runtime.row.value
    const processCores = runtime.idle.value / 1_000 + process / machines / ms
    return {
      machines,
      offered: this.offered * perSecond,
      ended: this.ended * perSecond,
      commits: counts.commits * perSecond,
      log: counts.bytes * perSecond,
      announcements: counts.announcements * perSecond,
      wakes: counts.wakes * perSecond,
      claims: this.#claims * perSecond,
      emptyClaims: this.#emptyClaims * perSecond,
      batch: this.#shared.rows / Math.max(this.#shared.statements, 1),
      used: { cores: cores.used, notifyLock: notifyLock.used, limitLock: limitLock.used, threads },
      processCores,
      acknowledged: quantiles(this.#acknowledged),
      dispatched: quantiles(this.#dispatched),
    }
  }

  sent(kind: StatementKind, rows: number): void {
    this.#statements++
    if (kind !== 'addSimple' && kind !== 'release' && kind !== 'settleSimple') return
    this.#shared.statements++
    this.#shared.rows += rows
  }

  acknowledged({ addedAt }: SimulatedTask): void {
    this.#acknowledged.add(this.timeline.now - addedAt)
  }

  ready(task: SimulatedTask): void {
    task.releasedAt = this.timeline.now
    if (task.kind === 'limited') this.#limited.push(task)
    else this.#plain.push(task)
  }

  /** What a claim gets; those of the limited name only while no other claim of it has yet to commit. */
  claim(slots: number): { claimed: SimulatedTask[]; holdsLimit: boolean; wasBusy: boolean } {
    const claimed: SimulatedTask[] = []
    const wanted = this.#limited.length > 0
    const holdsLimit = wanted && this.database.limitLock.tryTake()
    if (holdsLimit) take(this.#limited, claimed, slots)
    take(this.#plain, claimed, slots)
    return { claimed, holdsLimit, wasBusy: wanted && !holdsLimit }
  }

  claims(tasks: number): void {
    this.#statements++
    this.#claims++
    if (tasks === 0) this.#emptyClaims++
  }

  began({ releasedAt }: SimulatedTask): void {
    if (releasedAt > 0) this.#dispatched.add(this.timeline.now - releasedAt)
  }

  #reset(): void {
    this.offered = this.ended = this.#claims = this.#emptyClaims = this.#statements = 0
    this.#shared = { statements: 0, rows: 0 }
    this.#acknowledged.clear()
    this.#dispatched.clear()
    this.database.reset()
    for (const machine of this.#machines) machine.threads.reset()
  }
}

function take(line: Line<SimulatedTask>, into: SimulatedTask[], most: number): void {
  while (into.length < most && line.length > 0) into.push(line.shift()!)
}

function quantiles(delays: Delays): { p50: number; p99: number } {
  return { p50: delays.quantile(0.5), p99: delays.quantile(0.99) }
}
