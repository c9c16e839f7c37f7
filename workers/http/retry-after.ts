/** The longest a server can make a request wait, in milliseconds: past that it is asked again all the same. */
const longest = 3_600_000

/**
 * Milliseconds that a `Retry-After` header asks for, by seconds or by date (RFC 9110, 10.2.3), from 0 to an hour;
 * undefined where there is none that can be read.
 */
export function retryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined
  const wait = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), longest)
}
