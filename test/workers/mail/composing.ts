import type { Readable } from 'node:stream'
import { createTransport } from 'nodemailer'
import PostalMime, { type Email } from 'postal-mime'
import { withComposed } from '../../../workers/mail/compose.ts'
import type { Message } from '../../../workers/mail/message.ts'

/** The folder of the example templates. */
export const examples = new URL('../../../examples/mail', import.meta.url).pathname

const transport = createTransport({
  streamTransport: true,
  newline: 'windows',
  disableFileAccess: true,
  disableUrlAccess: true,
})

const common = { to: 'mira@example.org', date: new Date('2026-11-21T10:00:00Z') }

/** Composes a message and shows its bytes as they would go to a server, piece by piece. */
export async function stream(
  message: Partial<Message>,
  see: (piece: Buffer) => void,
  { id = 'an-id', templates = examples } = {},
): Promise<void> {
  const composing = { id, from: '"The, Shop" <shop@example.com>', templates }
  await withComposed({ ...common, ...message }, composing, async (composed) => {
    const { message: bytes } = await transport.sendMail(composed)
    for await (const piece of bytes as Readable) see(piece as Buffer)
  })
}

/** The bytes of a message. */
export async function bytesOf(message: Partial<Message>, id?: string, templates?: string): Promise<Buffer> {
  const pieces: Buffer[] = []
  await stream(message, (piece) => pieces.push(piece), {
    ...(id !== undefined && { id }),
    ...(templates !== undefined && { templates }),
  })
  return Buffer.concat(pieces)
}

/** The same, as an independent reader of mail understands it. */
export async function composed(message: Partial<Message>, id?: string, templates?: string): Promise<Email> {
  return PostalMime.parse(await bytesOf(message, id, templates))
}

/** Whether the task would be tried again, as an error of the package says it. */
export function isRetried(error: Error): boolean {
  const steering = Reflect.get(error, Symbol.for('afterwork.steering')) as { retry?: false }
  return steering.retry !== false
}
