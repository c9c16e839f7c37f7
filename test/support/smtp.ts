import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
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

/** Where the certificates of the tests are; make.sh there makes them. */
export const certificates = join(import.meta.dirname, 'tls')

/** What is asked of a server. */
export type Stage = 'connect' | 'auth' | 'mail' | 'rcpt' | 'data'

/** What a test wants of its mail server. */
export interface MailboxOptions {
  /** Offers STARTTLS, or speaks TLS from the start. Default: neither. */
  tls?: 'starttls' | 'implicit'
  /** One of test/support/tls. Default 'localhost'. */
  certificate?: 'localhost' | 'elsewhere'
  /** The ways to log in, which then is necessary. Default: PLAIN and LOGIN, optional. */
  login?: readonly string[]
  /** A refusal such as `450 4.7.1 Greylisted`, or undefined; `times` it was asked so of this sender or recipient before. */
  refuse?: (stage: Stage, of: string, times: number) => string | undefined
  /** That of a server before it. Default: any free one. */
  port?: number
}

/**
 * A real SMTP server. It knows any user with the password `pass word`, says 550 to recipients that begin with `unknown`,
 * 451 to those that begin with `busy`, and takes messages to those that begin with `slow` only when it is told to.
 */
export class Mailbox {
  readonly received: Received[] = []
  /** Recipients that were asked for, refused ones too. */
  readonly asked: string[] = []
  /** Connections there were, and are. */
  connections = 0
  open = 0
  readonly #options: MailboxOptions
  readonly #held = new Map<string, () => Promise<void>>()
  readonly #watchers = new Set<() => void>()
  readonly #times = new Map<string, number>()
  readonly #server: SMTPServer

  constructor(options: MailboxOptions = {}) {
    this.#options = options
    const { tls, certificate = 'localhost', login } = options
    this.#server = new SMTPServer({
      authOptional: login === undefined,
      ...(login && { authMethods: [...login] }),
      allowInsecureAuth: true,
      secure: tls === 'implicit',
      disabledCommands: tls === 'starttls' ? [] : ['STARTTLS'],
      key: readFileSync(join(certificates, `${certificate}.key`)),
      cert: readFileSync(join(certificates, `${certificate}.pem`)),
      logger: false,
      closeTimeout: 100,
      onConnect: (_session, done) => {
        this.connections++
        this.open++
        this.#changed()
        done(this.#refusal('connect', ''))
      },
      onClose: () => {
        this.open--
        this.#changed()
      },
      onAuth: (auth, _session, done) => {
        const { username, password } = auth
        const refused = this.#refusal('auth', username ?? '')
        if (refused !== undefined) return done(refused)
        const known = auth.validatePassword?.('pass word') ?? password === 'pass word'
        return known ? done(null, { user: username! }) : done(new Error('Wrong password'))
      },
      onMailFrom: ({ address }, _session, done) => done(this.#refusal('mail', address)),
      onRcptTo: ({ address }, _session, done) => {
        this.asked.push(address)
        this.#changed()
        if (address.startsWith('unknown')) done(refusal('550 No such user'))
        else if (address.startsWith('busy')) done(refusal('451 Try again later'))
        else done(this.#refusal('rcpt', address))
      },
      onData: (stream, { envelope, user }, done) => {
        const chunks: Buffer[] = []
        const to = envelope.rcptTo.map(({ address }) => address)
        const take = async () => {
          const refused = this.#refusal('data', to.join())
          if (refused !== undefined) return done(refused)
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
    // Clients that are ended in the middle of a message.
    this.#server.on('error', () => {})
  }

  async listen(): Promise<this> {
    const server = this.#server.listen(this.#options.port ?? 0, '127.0.0.1')
    await once(server, 'listening')
    return this
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port
  }

  /** For SMTP_URL; `user` such as 'name:password@'. */
  url(user = '', host = '127.0.0.1'): string {
    return `${this.#options.tls === 'implicit' ? 'smtps' : 'smtp'}://${user}${host}:${this.port}`
  }

  /** What came for an address, or once it has come. */
  async mailTo(address: string): Promise<Received> {
    return this.#until(() => this.received.find(({ to }) => to.includes(address)))
  }

  /** Resolves once somebody wants to send to an address. */
  async askedFor(address: string): Promise<void> {
    await this.#until(() => this.asked.includes(address) || undefined)
  }

  /** Resolves once so many connections are open. */
  async untilOpen(count: number): Promise<void> {
    await this.#until(() => this.open === count || undefined)
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

  #refusal(stage: Stage, of: string): Error | undefined {
    const key = `${stage} ${of}`
    const times = this.#times.get(key) ?? 0
    this.#times.set(key, times + 1)
    const reply = this.#options.refuse?.(stage, of, times)
    return reply === undefined ? undefined : refusal(reply)
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
export async function startMailbox(ending: Ending, options: MailboxOptions = {}): Promise<Mailbox> {
  const mailbox = await new Mailbox(options).listen()
  ending.teardown(() => mailbox.close())
  return mailbox
}

function refusal(reply: string): Error {
  return Object.assign(new Error(reply.slice(4)), { responseCode: Number(reply.slice(0, 3)) })
}
