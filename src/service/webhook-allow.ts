import { isIP } from 'node:net'
import { badOption } from '../core/errors.ts'

/**
 * Where webhooks may go, separated by commas: `hooks.example.com`, `*.example.com` (not `example.com` itself) and `*`
 * (all names) mean https on port 443, or the port that follows, and public addresses only; `https://...` and `http://...`
 * mean exactly that origin, whatever its address.
 * @throws AFTERWORK_BAD_OPTION
 */
export function webhookHosts(text: string, what: string): readonly string[] {
  return text.split(',').map((part) => {
    const entry = part.trim()
    const normal = entry === '*' ? entry : entryOf(entry)
    if (normal !== undefined) return normal
    throw badOption(
      what,
      `hosts separated by commas, such as 'hooks.example.com,*.example.org' or 'http://127.0.0.1:8080'`,
      entry,
    )
  })
}

/**
 * The entry that lets webhooks go to a URL; undefined where there is none. An address instead of a name is allowed only
 * if it is itself an entry.
 */
export function allowedBy(url: URL, entries: readonly string[]): string | undefined {
  // The one that says most: it may have a private address, which a pattern may not.
  return entries.find((entry) => entry === url.origin) ?? entries.find((entry) => matches(url, entry))
}

function matches({ protocol, host, hostname, port }: URL, entry: string): boolean {
  if (protocol !== 'https:' || entry.includes('://')) return false
  const isName = hostname.includes('.') && isIP(hostname) === 0
  if (entry === '*') return isName && port === ''
  return entry.startsWith('*.') ? isName && host.endsWith(entry.slice(1)) : host === entry
}

/** An entry as URLs are written; undefined for what is none. */
function entryOf(entry: string): string | undefined {
  const [, scheme, star = '', rest = ''] = /^(https?:\/\/)?(\*\.)?([^\s*/?#@\\]+)$/i.exec(entry) ?? []
  if (rest === '' || (scheme !== undefined && star !== '')) return undefined
  const whole = (scheme ?? 'https://') + rest
  if (!URL.canParse(whole)) return undefined
  const { origin, host } = new URL(whole)
  return scheme === undefined ? star + host : origin
}
