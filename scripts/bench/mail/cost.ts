import { LoopDelay } from '../harness/loop-delay.ts'
import type { SendCost } from './protocol.ts'

/** So rarely that looking takes no core from the threads that send, where the loop itself is idle; in milliseconds. */
const resolution = 10

/** Watches the main loop of this process. */
export function watchLoop(): LoopDelay {
  return new LoopDelay(resolution)
}

/** What `send` takes from this process. */
export async function costOf(delay: LoopDelay, send: () => Promise<unknown>): Promise<SendCost> {
  const before = process.cpuUsage()
  delay.reset()
  await send()
  const { user, system } = process.cpuUsage(before)
  return { cpu: (user + system) / 1e6, delay: delay.p99 }
}
