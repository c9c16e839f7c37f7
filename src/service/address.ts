import { domainToASCII } from 'node:url'

/** RFC 5321, 4.5.3.1: octets of a local part and of a whole address. */
const maxLocal = 64
const maxAddress = 254

/** RFC 5322 dot-atom: no quotes, comments, groups or white space, so nothing in it can mean a second address. */
const localPart = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
const domainName = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * Exactly one plain address, its domain in ASCII and lower case, or undefined. Quoted local parts, names, lists,
 * groups, control characters and address literals are refused. `localDomains` admits a domain without a dot.
 */
export function parseAddress(text: string, { localDomains = false } = {}): string | undefined {
  const at = text.lastIndexOf('@')
  const local = text.slice(0, at)
  const written = text.slice(at + 1)
  if (at < 1 || /[\s\p{Cc}<>()[\],;:\\"%]/u.test(written)) return undefined
  const domain = domainToASCII(written)
  const valid =
    localPart.test(local) &&
    local.length <= maxLocal &&
    domainName.test(domain) &&
    (localDomains || (domain.includes('.') && !/^[\d.]+$/.test(domain))) &&
    local.length + 1 + domain.length <= maxAddress
  return valid ? `${local}@${domain}` : undefined
}

/** The part of an address behind its @. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1)
}
