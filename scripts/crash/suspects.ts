import { setTimeout as wait } from 'node:timers/promises'
import { cutAttempts, readJournal } from './journal.ts'
import { getTask, liveTasks } from './records.ts'

/** How long they may take, in milliseconds. */
const patience = 300_000
/** How often they are asked for, in milliseconds. */
const interval = 50

/**
 * Waits until the tasks that ran at a kill have ended: those whose attempt was cut, as the journal tells, and whatever
 * else has begun and not ended.
 */
export async function suspectsEnded(
  url: string,
  journal: string,
  killed: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<void> {
  const { lines } = await readJournal(journal)
  const begun = (await liveTasks(url)).filter(({ attempt }) => attempt > 0).map(({ id }) => id)
  let left = [...new Set([...begun, ...cutAttempts(lines, killed)])]
  for (const deadline = Date.now() + patience; left.length > 0;) {
    signal.throwIfAborted()
    if (Date.now() > deadline)
      throw new Error(
        `${left.length} tasks that ran at a kill have not ended: ${left.slice(0, 20).join(', ')}`,
      )
    const seen = await Promise.all(left.map((id) => getTask(url, id)))
    // One that nobody knows any more is for the judge, not for waiting.
    left = left.filter((_, index) => seen[index] !== undefined && seen[index].endedAt === null)
    if (left.length > 0) await wait(interval, undefined, { signal })
  }
}
