import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** All of IPv6 that is routed in the public internet; what else there is maps, embeds or stays at home. */
const globalUnicast = ipaddr.parseCIDR('2000::/3')

/**
 * Whether an IP address is a plain one of the public internet: not private, loopback, link-local, carrier-grade NAT,
 * multicast, reserved, and none that embeds another (IPv4-mapped, NAT64, 6to4, Teredo), whatever that is. The ranges
 * are those of IANA's special-purpose registries (RFC 6890), as ipaddr.js knows them.
 */
export function isPublic(address: string): boolean {
  if (isIP(address) === 0) return false
  const parsed = ipaddr.parse(address)
  return parsed.range() === 'unicast' && (parsed.kind() === 'ipv4' || parsed.match(globalUnicast))
}
