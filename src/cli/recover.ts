import { parseArgs } from 'node:util'
import { badOption, didYouMean } from '../core/errors.ts'
import { recoverQueue, type Recovery } from '../queue/sqlite/recover/entry.ts'
import { queueFile } from './queue-file.ts'

const options = { data: { type: 'string' }, queue: { type: 'string' }, json: { type: 'boolean' } } as const

/** `afterwork tasks recover`: saves what can be read of a damaged queue, and says what that was. */
export async function recover(args: readonly string[]): Promise<void> {
  const recovery = await recoverQueue(queueFile(flagsOf(args), process.env))
  process.stdout.write(args.includes('--json') ? `${JSON.stringify(recovery)}\n` : textOf(recovery))
}

/** The flags that say where the queue is. */
function flagsOf(args: readonly string[]): string[] {
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind === 'positional') throw badOption('afterwork tasks recover', 'flags only', token.value)
    if (token.kind !== 'option') continue
    const known = Object.keys(options)
    if (!known.includes(token.name)) {
      const hint = didYouMean(token.name, known)
      throw badOption('afterwork tasks recover', 'a known flag', token.rawName, hint)
    }
    if (token.name === 'json' && token.value !== undefined) throw badOption('--json', 'no value', token.value)
  }
  return args.filter((arg) => arg !== '--json')
}

function textOf(recovery: Recovery): string {
  const { file } = recovery
  if (recovery.outcome === 'healthy') return `${file} is not damaged: there is nothing to recover\n`
  const { saved, lost, dropped, kept, notes } = recovery
  const total = Object.values(saved).reduce((sum, count) => sum + count, 0)
  const rows: [string, string][] = [
    ...Object.entries(saved).map(([state, count]): [string, string] => [state, String(count)]),
    ['saved', String(total)],
    ['not readable', lost.exact || lost.count === 0 ? String(lost.count) : `at most ${lost.count}`],
    ['dropped', String(dropped.count)],
  ]
  const lines = [
    `${file} was damaged; what could be read of it is in its place now`,
    '',
    ...rows.map(([name, count]) => `  ${name.padEnd(14)}${count.padStart(8)}`),
    '',
    ...(lost.exact
      ? []
      : ['Not readable is an upper bound: it counts tasks that had ended and were forgotten.']),
    ...named('Not readable', lost.count, lost.ids),
    ...named(
      'Dropped, for their rows make no sense',
      dropped.count,
      dropped.tasks.map(({ id, name, why }) => `${id || 'no id'}  ${name || 'no name'}  ${why}`),
    ),
    ...notes,
    `The damaged file is kept: ${kept}`,
    'Start the service: it goes on with what was saved.',
  ]
  return `${lines.join('\n')}\n`
}

function named(what: string, count: number, tasks: readonly string[]): string[] {
  if (tasks.length === 0) return []
  const more = count > tasks.length ? [`  and ${count - tasks.length} more`] : []
  return [`${what}:`, ...tasks.map((task) => `  ${task}`), ...more]
}
