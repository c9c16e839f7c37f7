import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nonEmptyString } from '../core/check.ts'
import { AfterworkError, badOption } from '../core/errors.ts'
import { isPostgres, withoutPassword } from '../core/queue-url.ts'
import { readGiven, unread, type Settings } from '../service/config-sources.ts'

export const configFile = 'afterwork.config.json'
const settings = {
  data: { flag: 'data', env: 'AFTERWORK_DATA', parse: nonEmptyString },
  queue: { flag: 'queue', env: 'AFTERWORK_QUEUE', parse: nonEmptyString },
}

/**
 * The file of the queue that `serve` would use with these flags and this environment. No other setting is looked at:
 * whoever mends a queue may have no token at hand.
 * @throws AFTERWORK_BAD_OPTION when the queue is in no file
 */
export function queueFile(flags: readonly string[], env: NodeJS.ProcessEnv): string {
  const { data = './data', queue } = readGiven({ ...others(), ...settings }, flags, env, configFile)
  const url = (queue as string | undefined) ?? `sqlite:${join(data as string, 'queue.db')}`
  const file = /^sqlite:(.+)$/.exec(url)?.[1]
  if (file !== undefined) return file
  if (isPostgres(url))
    throw new AfterworkError(
      'AFTERWORK_BAD_OPTION',
      `tasks recover mends the file of an sqlite: queue; a damaged database (${withoutPassword(url)}) is restored by the means of PostgreSQL`,
    )
  if (url !== 'memory:')
    throw badOption('queue', "'sqlite:' with a file, such as 'sqlite:data/queue.db'", withoutPassword(url))
  throw new AfterworkError(
    'AFTERWORK_BAD_OPTION',
    'memory: keeps nothing in a file, so there is nothing to recover; name one with --queue sqlite:FILE',
  )
}

/** The other keys of the config file, which are for the service to check. */
export function others(): Settings {
  try {
    return unread(Object.keys(JSON.parse(readFileSync(configFile, 'utf8')) as object))
  } catch {
    // What is wrong with the file is told when it is read for the settings.
    return {}
  }
}
