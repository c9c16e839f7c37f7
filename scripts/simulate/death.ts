import { Random } from '../crash/random.ts'
import { runtime } from './constants.ts'
import type { Scenario } from './scenario.ts'

/** Seconds from the death of a machine until what it ran runs again. */
export interface Again {
  /** The first of its tasks, in half of all cases, and in all but one of a hundred. */
  p50: number
  p99: number
  /** The last of its tasks, in all but one of a hundred. */
  last: number
}

const deaths = 2_000

/**
 * A machine dies with all its threads busy. Its leases run out, pg-boss finds that, another process sees it and runs the
 * suspects: one at a time, when all that it runs has ended.
 */
export function runAgain({ load, hardware, seed }: Scenario, machines: number): Again | undefined {
  if (machines < 2) return undefined
  const random = new Random(seed)
  const { lease, renewEvery, superviseEvery, lookEvery } = runtime
  const work = (): number => -Math.log(1 - random.fraction()) * load.work
  const longest = (count: number): number => Math.max(...Array.from({ length: count }, work))
  const others = machines - 1
  const firsts: number[] = []
  const lasts: number[] = []
  for (let death = 0; death < deaths; death++) {
    const found =
      lease.value - random.fraction() * renewEvery.value + random.fraction() * superviseEvery.value
    // The first of the others that looks; the least of many that are evenly spread.
    const seen = found + lookEvery.value * (1 - random.fraction() ** (1 / others))
    const busy = Math.round(
      hardware.threads * Math.min((load.rate * load.work) / 1_000 / hardware.threads, 1),
    )
    const first = seen + (busy > 0 ? longest(busy) : 0)
    const each = Math.ceil(hardware.threads / others)
    // The others look within a second, too, and each runs its share of the suspects in turn.
    let last = seen + lookEvery.value + (busy > 0 ? longest(busy) : 0)
    for (let turn = 1; turn < each; turn++) last += work()
    firsts.push(first / 1_000)
    lasts.push(last / 1_000)
  }
  const at = (all: number[], share: number): number =>
    all.sort((a, b) => a - b)[Math.floor(share * all.length)]!
  return { p50: at(firsts, 0.5), p99: at(firsts, 0.99), last: at(lasts, 0.99) }
}
