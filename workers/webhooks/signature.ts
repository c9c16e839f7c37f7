import { createHmac } from 'node:crypto'

/**
 * The headers by which a receiver knows who sent a webhook, when, and which one it is, by the Standard Webhooks scheme
 * (https://www.standardwebhooks.com): one signature for each secret, so that a receiver may still know the old one.
 * @param secrets each `whsec_` and base64
 */
export function signedHeaders(
  secrets: readonly string[],
  id: string,
  sentAt: Date,
  body: string,
): Record<string, string> {
  const timestamp = String(Math.floor(sentAt.getTime() / 1_000))
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}
