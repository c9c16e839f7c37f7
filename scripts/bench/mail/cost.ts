import type { LoopDelay } from '../harness/loop-delay.ts'
import type { SendCost } from './protocol.ts'

/** What `send` takes from this process. */
export async function costOf(delay: LoopDelay, send: () => Promise<unknown>): Promise<SendCost> {
  const before = process.cpuUsage()
  delay.reset()
  await send()
  const { user, system } = process.cpuUsage(before)
  return { cpu: (user + system) / 1e6, delay: delay.p99 }
}
