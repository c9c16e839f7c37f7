import { badOption, didYouMean } from '../core/errors.ts'
import type { ShownPool, Sizes } from './operator/operator.ts'
import type { Command } from './operator/session.ts'
import { jsonText, print, terminalWidth } from './output/print.ts'
import { table, type Column } from './output/table.ts'
import { wholeOf } from './tasks/filter.ts'

const columns: Column[] = [
  { heading: 'POOL', flexible: true },
  { heading: 'STATE' },
  { heading: 'RUNNING', align: 'right' },
  { heading: 'MIN THREADS', align: 'right' },
  { heading: 'MAX THREADS', align: 'right' },
  { heading: 'CONCURRENCY', align: 'right' },
]
/** Of a queue that several processes share; sizes are those of each. */
const ofProcesses: Column = { heading: 'PROCESSES', align: 'right' }
const actions = ['pause', 'resume', 'resize'] as const
const sizeFlags = {
  'min-threads': 'minThreads',
  'max-threads': 'maxThreads',
  concurrency: 'concurrency',
} as const
/** As many as a pool may have of anything. */
const most = 10_000

type Asked = { action?: undefined } | { action: (typeof actions)[number]; name: string; sizes: Sizes }

/** `afterwork pools`: shows the pools of the running service, or of all processes; pauses, resumes or resizes one. */
export const pools: Command<Asked> = {
  name: 'pools',
  spec: { 'min-threads': 'string', 'max-threads': 'string', concurrency: 'string' },
  read(flags) {
    const sizes: Sizes = {}
    for (const [flag, key] of Object.entries(sizeFlags)) {
      const size = wholeOf(flags, flag, flag === 'min-threads' ? 0 : 1, most)
      if (size !== undefined) sizes[key] = size
    }
    const [word, name, ...more] = flags.words
    const sized = Object.keys(sizes).length > 0
    if (sized !== (word === 'resize'))
      throw badOption('afterwork pools', `resize NAME with ${sizeNames()}`, word)
    if (word === undefined) return {}
    const action = actions.find((known) => known === word)
    if (action === undefined)
      throw badOption('afterwork pools', actions.join(', '), word, didYouMean(word, actions))
    if (name === undefined) throw badOption(`afterwork pools ${action}`, 'the name of a pool', undefined)
    if (more.length > 0) throw badOption(`afterwork pools ${action}`, 'one name', more[0])
    return { action, name, sizes }
  },
  async run({ operator, flags }, asked) {
    if (asked.action === undefined) {
      const all = await operator.pools()
      return await print(flags.json ? `${jsonText({ pools: all }, 2)}\n` : textOf(all))
    }
    const pool = await (asked.action === 'resize'
      ? operator.resizePool(asked.name, asked.sizes)
      : operator.switchPool(asked.name, asked.action))
    await print(flags.json ? `${jsonText(pool, 2)}\n` : textOf([pool]))
  },
}

function sizeNames(): string {
  return Object.keys(sizeFlags)
    .map((flag) => `--${flag}`)
    .join(', ')
}

function textOf(all: readonly ShownPool[]): string {
  const shared = all.some(({ processes }) => processes !== undefined)
  const rows = all.map(({ name, paused, running, minThreads, maxThreads, concurrency, processes }) => {
    const sizes = [minThreads, maxThreads, concurrency].map((size) => (size === null ? '' : String(size)))
    return [
      name,
      paused ? 'paused' : 'open',
      String(running),
      ...sizes,
      ...(shared ? [String(processes)] : []),
    ]
  })
  return table(shared ? [...columns, ofProcesses] : columns, rows, terminalWidth())
}
