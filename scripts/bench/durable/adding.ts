import { addConcurrently, forSeconds } from '../harness/adders.ts'
import { LoopDelay } from '../harness/loop-delay.ts'
import type { Added, AddParameters } from './protocol.ts'

/** An answer of a system: how fast `add` is, and how late it makes the loop. */
export function adding(add: () => Promise<unknown>): (parameters: AddParameters) => Promise<Added> {
  const delay = new LoopDelay()
  return async ({ adders, seconds }) => {
    delay.reset()
    const start = performance.now()
    const added = await addConcurrently(adders, forSeconds(seconds), add)
    const rate = (added * 1_000) / (performance.now() - start)
    return { added, rate, delay: delay.p99 }
  }
}
