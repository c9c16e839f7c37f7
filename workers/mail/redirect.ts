import type { Composed } from './compose.ts'
import type { Deliver } from './transport.ts'

/** Sends every message to one address instead; whom it was for is kept in the header `X-Original-To`. */
export function redirecting(address: string, deliver: Deliver): Deliver {
  return (message, sending) => {
    const headers = { ...(message.headers as Record<string, string>), 'X-Original-To': message.to.address }
    const redirected: Composed = { ...message, to: { name: '', address }, headers }
    return deliver(redirected, sending)
  }
}
