import type { Composed } from '../../../workers/mail/compose.ts'
import type { Sending } from '../../../workers/mail/transport.ts'

/** A composed message to one address. */
export function messageTo(address: string, more: Partial<Composed> = {}): Composed {
  const id = address.replace(/@.*$/, '')
  return {
    from: 'Shop <shop@example.com>',
    to: { name: '', address },
    subject: 'Ein Gruß',
    text: 'Hello',
    date: new Date('2026-11-21T10:00:00Z'),
    messageId: `<${id}@example.com>`,
    baseBoundary: id,
    ...more,
  }
}

/** An attempt that nobody stops. */
export function sending(attempt = 1): Sending {
  return { signal: new AbortController().signal, attempt }
}
