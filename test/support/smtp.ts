import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer } from 'smtp-server'
import type { Ending } from './endings.ts'

/** A message that the server took. */
export interface Received {
  from: string
  to: string[]
  user: string | undefined
  raw: string
  email: Email
}

/**
 * A real SMTP server. It says 550 to recipients that begin with `unknown`, 451 to those that begin with `busy`, and
 * takes messages to those that begin with `slow` only when it is told to.
 */
export class Mailbox {
  readonly received: Received[] = []
  /** Recipients that were asked for, refused ones too. */
  readonly asked: string[] = []
  readonly #held = new Map<string, () => Promise<void>>()
  readonly #watchers = new Set<() => void>()
  readonly #server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onAuth: ({ username, password }, _session, done) =>
      password === 'pass word' ? done(null, { user: username! }) : done(new Error('Wrong password')),
    onRcptTo: ({ address }, _session, done) => {
      this.asked.push(address)
      this.#changed()
      if (address.startsWith('unknown')) done(refusal(550, 'No such user'))
      else if (address.startsWith('busy')) done(refusal(451, 'Try again later'))
      else done()
    },
    onData: (stream, { envelope, user }, done) => {
      const chunks: Buffer[] = []
      const to = envelope.rcptTo.map(({ address }) => address)
      const take = async () => {
        const raw = Buffer.concat(chunks).toString('utf8')
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address
        const email = await PostalMime.parse(raw)
        this.received.push({ from, to, user: user as string | undefined, raw, email })
        this.#changed()
        done()
      }
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const slow = to.find((address) => address.startsWith('slow'))
        if (slow === undefined) return void take()
        this.#held.set(slow, take)
        this.#changed()
      })
    },
  })

  constructor() {
    // Clients that are ended in the middle of a message.
    this.#server.on('error', () => {})
  }

  async listen(): Promise<this> {
    const server = this.#server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return this
  }

  /** For SMTP_URL; `user` such as 'name:password@'. */
  url(user = ''): string {
    return `smtp://${user}127.0.0.1:${(this.#server.server.address() as AddressInfo).port}`
  }

  /** What came for an address, or once it has come. */
  async mailTo(address: string): Promise<Received> {
    return this.#until(() => this.received.find(({ to }) => to.includes(address)))
  }

  /** Resolves once somebody wants to send to an address. */
  async askedFor(address: string): Promise<void> {
    await this.#until(() => this.asked.includes(address) || undefined)
  }

  /** Takes the message to a slow recipient, once it is there. */
  async takeSlow(address: string): Promise<void> {
    const take = await this.#until(() => this.#held.get(address))
    this.#held.delete(address)
    await take()
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(resolve))
  }

  #changed(): void {
    for (const look of this.#watchers) look()
  }

  #until<T>(find: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const look = () => {
        const found = find()
        if (found === undefined) return
        this.#watchers.delete(look)
        resolve(found)
      }
      this.#watchers.add(look)
      look()
    })
  }
}

/** A mail server that ends with the test. */
export async function startMailbox(ending: Ending): Promise<Mailbox> {
  const mailbox = await new Mailbox().listen()
  ending.teardown(() => mailbox.close())
  return mailbox
}

function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode })
}
