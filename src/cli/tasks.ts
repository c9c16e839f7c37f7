import { badOption, didYouMean } from '../core/errors.ts'

/** What `afterwork tasks` can do; each is loaded only when it is asked for. */
const commands: Record<string, (args: readonly string[]) => Promise<void>> = {
  recover: async (args) => (await import('./recover.ts')).recover(args),
}

/** Runs one of the commands about the tasks of a queue; throws AFTERWORK_BAD_OPTION when there is no such one. */
export async function tasks([name, ...args]: readonly string[]): Promise<void> {
  const known = Object.keys(commands)
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined)
    throw badOption('afterwork tasks', known.join(' or '), name, didYouMean(name ?? '', known))
  await command(args)
}
