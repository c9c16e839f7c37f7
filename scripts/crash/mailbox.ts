import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

/** A message that was taken. */
export interface Delivery {
  to: string
  messageId: string
}

/**
 * A mail server that survives the kills. To recipients whose name begins with `busy` it says 451 when it hears of them
 * first, so that some mails are retried.
 */
export class Mailbox {
  readonly deliveries: Delivery[] = []
  readonly #busy = new Set<string>()
  readonly #server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onRcptTo: ({ address }, _session, done) => {
      const isFirst = address.startsWith('busy') && !this.#busy.has(address)
      this.#busy.add(address)
      done(isFirst ? Object.assign(new Error('Try again later'), { responseCode: 451 }) : null)
    },
    onData: (stream, { envelope }, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const raw = Buffer.concat(chunks).toString()
        const messageId = /^Message-ID:\s*<([^>]+)>/im.exec(raw)?.[1] ?? ''
        // What is left of a mail whose sender was killed is none.
        if (/^This is \S+\.\r?$/m.test(raw))
          for (const { address } of envelope.rcptTo) this.deliveries.push({ to: address, messageId })
        done()
      })
    },
  })

  constructor() {
    // Clients that are killed in the middle of a message.
    this.#server.on('error', () => {})
  }

  async listen(): Promise<this> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    return this
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.#server.server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}
