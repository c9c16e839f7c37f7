import { join } from 'node:path'
import { nonEmptyString } from '../core/check.ts'
import { badOption } from '../core/errors.ts'
import { isPostgres, queueUrl, withoutPassword } from '../core/queue-url.ts'
import { readGiven } from '../service/config-sources.ts'
import { token, tokenFrom } from '../service/config-values.ts'
import { configFile, others } from './queue-file.ts'

const settings = {
  url: { flag: 'url', env: 'AFTERWORK_URL', parse: serviceUrl },
  data: { flag: 'data', env: 'AFTERWORK_DATA', parse: nonEmptyString },
  queue: { flag: 'queue', env: 'AFTERWORK_QUEUE', parse: queueUrl },
  tokenFile: { flag: 'token-file', env: 'AFTERWORK_TOKEN_FILE', parse: tokenFrom },
  token: { env: 'AFTERWORK_TOKEN', parse: token },
}

/** Where a service or its queue may be. */
export interface Where {
  /** Given by hand: nothing else is looked for. */
  url: string | undefined
  data: string
  /** The URL of the queue, without a password. */
  queue: string
  /** Undefined for a queue that is in no file. */
  file: string | undefined
  /** The URL of a queue in PostgreSQL, with its password. */
  database: string | undefined
  /** The queue was named on the command line. */
  byHand: boolean
  token: string | undefined
}

/** What `serve` would use with these flags, this environment and its config file; throws AFTERWORK_BAD_OPTION. */
export function readWhere(flags: readonly string[], env: NodeJS.ProcessEnv): Where {
  const given = readGiven({ ...others(), ...settings }, flags, env, configFile)
  const { url, queue, data = './data', tokenFile, token } = given as Record<string, string | undefined>
  const kept = queue ?? `sqlite:${join(data, 'queue.db')}`
  const file = /^sqlite:(.+)$/.exec(kept)?.[1]
  // What is said by hand goes before what the environment says for all.
  const elsewhere = !has(flags, 'url') && (has(flags, 'data') || has(flags, 'queue'))
  return {
    url: elsewhere ? undefined : url,
    data,
    queue: withoutPassword(kept),
    file,
    database: isPostgres(kept) ? kept : undefined,
    byHand: has(flags, 'queue'),
    token: tokenFile ?? token,
  }
}

function has(flags: readonly string[], name: string): boolean {
  return flags.some((flag) => flag.startsWith(`--${name}=`))
}

/** An http: or https: URL; a path is where the routes are mounted. */
function serviceUrl(text: string, what: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const plain = url !== undefined && url.username === '' && url.search === '' && url.hash === ''
  if (plain && /^https?:$/.test(url.protocol)) return url.href
  throw badOption(what, `the URL of a service, such as 'http://127.0.0.1:3000'`, text)
}
