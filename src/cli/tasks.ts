import { badOption, didYouMean } from '../core/errors.ts'
import type { Action } from './operator/operator.ts'
import type { Command } from './operator/session.ts'
import { usage } from './usage.ts'

/** What `afterwork tasks` can do; each is loaded only when it is asked for. */
const commands: Record<string, (args: readonly string[]) => Promise<void>> = {
  list: async (args) => run((await import('./tasks/list.ts')).list, args),
  show: async (args) => run((await import('./tasks/show.ts')).show, args),
  retry: (args) => change('retry', args),
  cancel: (args) => change('cancel', args),
  purge: (args) => change('purge', args),
  stats: async (args) => run((await import('./tasks/stats.ts')).stats, args),
  recover: async (args) => (await import('./recover.ts')).recover(args),
}

/** Runs one of the commands about the tasks of a queue; throws AFTERWORK_BAD_OPTION when there is no such one. */
export async function tasks([name, ...args]: readonly string[]): Promise<void> {
  if (name === '--help' || name === '-h') return void process.stdout.write(usage)
  const known = Object.keys(commands)
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    process.exitCode = 2
    throw badOption(
      'afterwork tasks',
      `${known.slice(0, -1).join(', ')} or ${known.at(-1)}`,
      name,
      didYouMean(name ?? '', known),
    )
  }
  await command(args)
}

async function change(action: Action, args: readonly string[]): Promise<void> {
  await run((await import('./tasks/change.ts')).change(action), args)
}

async function run<T>(command: Command<T>, args: readonly string[]): Promise<void> {
  const { runCommand } = await import('./operator/session.ts')
  await runCommand(command, args)
}
