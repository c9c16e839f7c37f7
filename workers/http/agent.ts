import { lookup as systemLookup, type LookupAddress, type LookupAllOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector } from 'undici'
import { isPublic } from './address.ts'

/** Finds the addresses of a name, as dns.lookup() does. */
export type Resolver = (
  hostname: string,
  options: LookupAllOptions,
  found: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** Where a request may not go; its `code` is HTTP_DESTINATION_REFUSED. */
export class DestinationRefused extends Error {
  override readonly name = 'DestinationRefused'
  readonly code = 'HTTP_DESTINATION_REFUSED'

  /** The address stays untold: who asks may be the one who looks for it. */
  constructor(hostname: string) {
    super(`Expected a host with a public address, got ${hostname.slice(0, 255)}`)
  }
}

/** Milliseconds that a connection may take; the rest of a request has its own deadline. */
const connectTimeout = 10_000

/** Of HTTP/1.1 alone, whose connections carry one request at a time: what one of them costs is its own. */
const limits = { allowH2: false, maxHeaderSize: 16_384, headersTimeout: 0, bodyTimeout: 0 }

/** Connections to any host. A proxy that the environment names is not used. */
export function openAgent(): Agent {
  return new Agent({ ...limits, connect: { timeout: connectTimeout, allowH2: false } })
}

/**
 * Connections to public addresses only; others fail with DestinationRefused before a packet goes out. It is the address
 * connected to that is judged, at each connection, so a name that changes its mind after some check gains nothing.
 * Of a name with both kinds the public ones are used. A proxy that the environment names is not used.
 */
export function publicAgent(resolve: Resolver = systemLookup): Agent {
  const connect = buildConnector({ timeout: connectTimeout, allowH2: false, lookup: publicLookup(resolve) })
  return new Agent({
    ...limits,
    connect: (options, connected) => {
      const address = options.hostname.replace(/^\[|\]$/g, '')
      // An address is connected to without a lookup.
      if (isIP(address) !== 0 && !isPublic(address)) {
        queueMicrotask(() => connected(new DestinationRefused(address), null))
      } else connect(options, connected)
    },
  })
}

/** A lookup for connections that gives the public addresses of a name, or fails with DestinationRefused. */
export function publicLookup(resolve: Resolver): LookupFunction {
  return (hostname, options, found) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return found(error, [])
      const open = addresses.filter(({ address }) => isPublic(address))
      const [first] = open
      if (first === undefined) found(new DestinationRefused(hostname), [])
      else if (options.all === true) found(null, open)
      else found(null, first.address, first.family)
    })
  }
}
