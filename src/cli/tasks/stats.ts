import { taskStates } from '../../core/task.ts'
import { noWords } from '../flags.ts'
import type { Command } from '../operator/session.ts'
import { ago, count } from '../output/human.ts'
import { jsonText, print, terminalWidth } from '../output/print.ts'
import { table } from '../output/table.ts'

/** `afterwork tasks stats`: how many tasks are in each state, and for how long the oldest waits. */
export const stats: Command<void> = {
  name: 'tasks stats',
  spec: {},
  read: (flags) => noWords('tasks stats', flags),
  async run({ operator, flags }) {
    const { counts, oldestAddedAt } = await operator.stats()
    if (flags.json) return await print(`${jsonText({ counts, oldestAddedAt }, 2)}\n`)
    const width = terminalWidth()
    const number = (value: number): string => (width === undefined ? String(value) : count(value))
    const rows = taskStates.map((state) => [state, number(counts[state])])
    if (width === undefined) rows.push(['oldest', oldestAddedAt ?? ''])
    await print(table([{ heading: 'STATE' }, { heading: 'TASKS', align: 'right' }], rows, width))
    if (width !== undefined && oldestAddedAt !== null)
      await print(`\nThe oldest that waits was added ${ago(oldestAddedAt, Date.now())}.\n`)
  },
}
