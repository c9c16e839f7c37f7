import { Cluster, type Observed } from './cluster.ts'
import { database, runtime } from './constants.ts'
import { runAgain, type Again } from './death.ts'
import { broken, resources, type Resource } from './resources.ts'
import type { Scenario } from './scenario.ts'

/** What is foreseen for a number of machines. */
export interface Forecast extends Observed {
  connections: number
  /** Megabytes of the database's memory that they take. */
  memory: number
  /** Undefined for a single machine, whose tasks wait until it is back. */
  again: Again | undefined
  /** Minutes until ten minutes without any work are caught up on; Infinity where there is nothing to spare. */
  catchUp: number
  broken: string[]
}

/** A resource that does not suffice from so many machines on. */
export interface Break {
  resource: Resource
  machines: number
}

const warm = 1_500
const outage = 10

/** Looks at clusters of one kind; each size is simulated once. */
export class Forecaster {
  readonly #scenario: Scenario
  readonly #seen = new Map<number, Observed>()

  constructor(scenario: Scenario) {
    this.#scenario = scenario
  }

  forecast(machines: number): Forecast {
    const observed = this.observe(machines)
    const { hardware } = this.#scenario
    const connections = machines * runtime.connections.value
    return {
      ...observed,
      connections,
      memory: connections * database.connection.value,
      again: runAgain(this.#scenario, machines),
      catchUp: this.#catchUp(observed),
      broken: broken(observed, hardware).map(({ name }) => name),
    }
  }

  observe(machines: number): Observed {
    let observed = this.#seen.get(machines)
    if (observed === undefined) {
      observed = new Cluster(this.#scenario, machines).observe(warm, this.#length(machines))
      this.#seen.set(machines, observed)
    }
    return observed
  }

  /**
   * From how many machines on each resource does not suffice, up to the most of `sizes`; the first to break first, and of
   * those that break together the one that is furthest past its capacity.
   */
  breaks(sizes: readonly number[]): Break[] {
    const found = resources.flatMap((resource): Break[] => {
      const at = sizes.findIndex((machines) => this.#isBroken(resource, machines))
      if (at === -1) return []
      return [{ resource, machines: this.#narrow(resource, sizes[at - 1] ?? 0, sizes[at]!) }]
    })
    const excess = ({ resource, machines }: Break): number =>
      resource.used(this.observe(machines), this.#scenario.hardware) / resource.capacity
    return found.sort((a, b) => a.machines - b.machines || excess(b) - excess(a))
  }

  /** The number between two, to within a twentieth, from which on it does not suffice. */
  #narrow(resource: Resource, holds: number, breaks: number): number {
    while (breaks - holds > Math.max(1, holds / 20)) {
      const middle = Math.round((holds + breaks) / 2)
      if (this.#isBroken(resource, middle)) breaks = middle
      else holds = middle
    }
    return breaks
  }

  #isBroken(resource: Resource, machines: number): boolean {
    return resource.used(this.observe(machines), this.#scenario.hardware) > resource.capacity
  }

  #catchUp({ machines, offered }: Observed): number {
    const { load, hardware } = this.#scenario
    const length = this.#length(machines)
    const most = (machines * hardware.threads * (warm + length)) / load.work
    const cluster = new Cluster(this.#scenario, machines, { backlog: Math.ceil(most * 1.2) + 10 })
    const spare = cluster.observe(warm, length).ended - offered
    return spare > 0.01 * offered ? (outage * offered) / spare : Infinity
  }

  /** Milliseconds to look for: long enough for the rare, short enough for the patient. */
  #length(machines: number): number {
    const tasks = 30_000
    return Math.min(Math.max((tasks / (machines * this.#scenario.load.rate)) * 1_000, 1_000), 10_000)
  }
}
