import { hasEnded, taskStates } from '../../core/task.ts'
import { FileOperator } from '../operator/file-operator.ts'
import {
  isDirect,
  type DirectOperator,
  type Operator,
  type ShownPool,
  type ShownTask,
  type Stats,
} from '../operator/operator.ts'

/** Running and failed tasks of one look at most. */
const most = { running: 50, failed: 50 }

/** What `top` sees at one moment. */
export interface Look {
  source: string
  /** Milliseconds since 1970. */
  at: number
  stats: Stats
  /** Empty where there is only a file. */
  pools: ShownPool[]
  running: ShownTask[]
  /** Those that failed last first, of the newest. */
  failed: ShownTask[]
  /** How many tasks were added and have ended so far; only differences mean something. */
  flow: { added: number; ended: number }
}

/** Tasks a second between two looks. */
export interface Rates {
  added: number
  ended: number
}

/** Asks for all of it at once; `reading` knows the flow better than the service tells it. */
export async function look(operator: Operator, reading?: DirectOperator): Promise<Look> {
  const [stats, pools, running, failed] = await Promise.all([
    operator.stats(),
    operator instanceof FileOperator ? [] : operator.pools(),
    operator.list({ state: 'running', limit: most.running }),
    operator.list({ state: 'failed', limit: most.failed }),
  ])
  const direct = isDirect(operator) ? operator : reading
  return {
    source: operator.source,
    at: Date.now(),
    stats,
    pools,
    running: running.tasks,
    failed: failed.tasks.toSorted((a, b) => ended(b) - ended(a)),
    flow: direct === undefined ? flowOf(stats) : await direct.flow(),
  }
}

/** Null where there is nothing to compare: another source, or one that was begun anew. */
export function ratesOf(before: Look | undefined, now: Look): Rates | null {
  if (before === undefined || before.source !== now.source || now.at <= before.at) return null
  const seconds = (now.at - before.at) / 1_000
  const added = (now.flow.added - before.flow.added) / seconds
  const ended = (now.flow.ended - before.flow.ended) / seconds
  return added < 0 || ended < 0 ? null : { added, ended }
}

function ended({ endedAt }: ShownTask): number {
  return endedAt === null ? 0 : Date.parse(endedAt)
}

/** As near as counters come: what was forgotten between two looks is missing. */
function flowOf({ counts }: Stats): { added: number; ended: number } {
  let [added, ended] = [0, 0]
  for (const state of taskStates) {
    added += counts[state]
    if (hasEnded(state)) ended += counts[state]
  }
  return { added, ended }
}
