import type { SuppressionList } from '../../workers/mail/suppression-list.ts'
import { Problem } from '../koa/problem.ts'
import { domainOf, parseAddress } from './address.ts'
import { invalid } from './body.ts'

/** Whom mail may go to. */
export interface RecipientRules {
  /** Domains; null for all. */
  allowed: readonly string[] | null
  /** Addresses that a server said do not exist; null where they are not remembered. */
  suppressed: SuppressionList | null
}

/** Recipients of one request at most. */
const maxRecipients = 100

/**
 * The addresses of a request, one or a list, each once.
 * @param allowed domains, or null for all
 * @throws INVALID_FIELD, BAD_ADDRESS, RECIPIENT_NOT_ALLOWED
 */
export function recipientsOf(given: unknown, allowed: readonly string[] | null): string[] {
  const list: unknown[] = Array.isArray(given) ? given : [given]
  if (list.length < 1 || list.length > maxRecipients) throw invalid('to', `1 to ${maxRecipients} addresses`)
  const addresses = list.map((text) => {
    const address = typeof text === 'string' ? parseAddress(text) : undefined
    if (address === undefined)
      throw new Problem(
        422,
        'BAD_ADDRESS',
        'to: Expected one plain address such as user@example.com in each place',
      )
    if (allowed !== null && !allowed.includes(domainOf(address))) {
      throw new Problem(422, 'RECIPIENT_NOT_ALLOWED', `to: mail to ${domainOf(address)} is not allowed here`)
    }
    return address
  })
  return [...new Set(addresses)]
}

/** Throws RECIPIENT_SUPPRESSED if one of the addresses was refused for good before. */
export async function refuseSuppressed(
  addresses: readonly string[],
  suppressed: SuppressionList | null,
): Promise<void> {
  for (const address of addresses) {
    const reason = await suppressed?.reason(address)
    if (reason === undefined) continue
    throw new Problem(
      422,
      'RECIPIENT_SUPPRESSED',
      `to: ${address} gets no mail, for it was refused: ${reason}`,
    )
  }
}
