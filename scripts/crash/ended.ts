import { setTimeout as wait } from 'node:timers/promises'
import { countLive } from './records.ts'

/** How long the rest may take to end without one task getting on, in milliseconds. */
const patience = 120_000
/** How often is said how many are left, in milliseconds. */
const interval = 5_000

/** Waits until all tasks have ended, and says how many have not; those that do not end are left to the judge. */
export async function allEnded(url: string, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  let known = Infinity
  let progressAt = Date.now()
  for (let saidAt = Date.now(); ;) {
    const live = await countLive(url)
    if (live === 0) return
    signal.throwIfAborted()
    if (live < known) progressAt = Date.now()
    known = Math.min(known, live)
    if (Date.now() > progressAt + patience) return say(`${live} tasks do not end`)
    if (Date.now() > saidAt + interval) {
      saidAt = Date.now()
      say(`${live} tasks have not ended yet`)
    }
    await wait(200, undefined, { signal })
  }
}
