import { nonEmptyString } from './check.ts'
import { AfterworkError, badOption } from './errors.ts'

/** What an error says that the URL of a queue may be. */
export const queueUrls =
  "'memory:', 'sqlite:' with a file, such as 'sqlite:data/queue.db', or 'postgres://user:password@host:port/database'"

/** Whether the URL of a queue names a database in PostgreSQL, which any number of processes may work on. */
export function isPostgres(url: string): boolean {
  return /^postgres(ql)?:/i.test(url)
}

/** The URL of a queue as it was given; throws AFTERWORK_BAD_OPTION, without a password, when it is none. */
export function queueUrl(given: unknown, what: string): string {
  const url = nonEmptyString(given, what)
  if (isPostgres(url)) return postgresUrl(url, what)
  if (url === 'memory:' || /^sqlite:./s.test(url)) return url
  throw badOption(what, queueUrls, withoutPassword(url))
}

/** The URL of a queue as logs and errors show it. */
export function withoutPassword(url: string): string {
  if (/^(memory|sqlite):/.test(url) || !/[@#]|password/i.test(url)) return url
  // Nobody knows which part of anything else is the secret.
  if (!isWhole(url)) return 'something else'
  const shown = new URL(url)
  shown.password = ''
  for (const name of new Set(shown.searchParams.keys()))
    if (/password/i.test(name)) shown.searchParams.delete(name)
  return shown.href
}

function postgresUrl(url: string, what: string): string {
  if (isWhole(url)) return url
  throw new AfterworkError(
    'AFTERWORK_BAD_OPTION',
    `${what}: Expected 'postgres://user:password@host:port/database' with other characters than letters and digits percent-encoded, got something else`,
  )
}

/** Whether it has its user and password where they belong: one with a `/`, `?` or `#` would be cut in two, and half of it shown. */
function isWhole(url: string): boolean {
  return URL.canParse(url) && /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*([/?][^@#]*)?$/i.test(url)
}
