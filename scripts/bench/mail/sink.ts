import { createServer, type Socket } from 'node:net'
import { listening, type ListeningSystem } from '../harness/system-module.ts'
import type { SinkOptions, Taken } from './protocol.ts'

const endOfMessage = '\r\n.\r\n'
const signature = 'DKIM-Signature:'

/**
 * An SMTP server that takes every message and keeps none. It looks for the ends of lines and messages alone, so that it
 * costs little beside what is measured; a server that parses what comes would be what limits the senders.
 */
export async function start({ latency }: SinkOptions): Promise<ListeningSystem> {
  const taken: Taken = { mails: 0, signed: 0, bytes: 0 }
  let expected = Infinity
  let arrived = (): void => {}
  const server = createServer({ noDelay: true }, (socket) => {
    new Session(socket, latency, ({ bytes, signed }) => {
      taken.mails++
      taken.bytes += bytes
      if (signed) taken.signed++
      if (taken.mails >= expected) arrived()
    })
  })

  /** Resolves when so many messages have come in all. */
  function untilTaken({ mails }: Pick<Taken, 'mails'>): Promise<Taken> {
    expected = mails
    return new Promise((resolve) => {
      arrived = () => resolve(taken)
      if (taken.mails >= expected) arrived()
    })
  }
  return { ...(await listening(server.listen(0, '127.0.0.1'))), answers: { untilTaken } }
}

/** One connection. */
class Session {
  readonly #socket: Socket
  readonly #latency: number
  readonly #take: (message: { bytes: number; signed: boolean }) => void
  #line = ''
  #inMessage = false
  /** The first characters of the message. */
  #head = ''
  /** The last characters of it, as its end may come in pieces. */
  #tail = ''
  #bytes = 0

  constructor(socket: Socket, latency: number, take: (message: { bytes: number; signed: boolean }) => void) {
    this.#socket = socket
    this.#latency = latency
    this.#take = take
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    // Who leaves without a word has what it came for.
    socket.on('error', () => {})
    this.#reply('220 sink ESMTP')
  }

  #read(chunk: Buffer): void {
    for (let left = chunk; left.length > 0;)
      left = this.#inMessage ? this.#readMessage(left) : this.#readLine(left)
  }

  /** Gives what comes behind the line. */
  #readLine(chunk: Buffer): Buffer {
    const end = chunk.indexOf('\n')
    this.#line += chunk.toString('latin1', 0, end === -1 ? chunk.length : end + 1)
    if (end === -1) return chunk.subarray(chunk.length)
    this.#obey(this.#line.slice(0, 4).toUpperCase())
    this.#line = ''
    return chunk.subarray(end + 1)
  }

  #obey(command: string): void {
    if (command === 'EHLO') return this.#reply('250-sink\r\n250 8BITMIME')
    if (command === 'QUIT') return this.#reply('221 2.0.0 Bye', () => this.#socket.end())
    if (command !== 'DATA') return this.#reply('250 2.0.0 OK')
    this.#inMessage = true
    this.#head = ''
    // An empty message is a dot alone.
    this.#tail = '\r\n'
    this.#bytes = 0
    this.#reply('354 Go on')
  }

  /** Gives what comes behind the message. */
  #readMessage(chunk: Buffer): Buffer {
    if (this.#head.length < signature.length) this.#head += chunk.toString('latin1', 0, signature.length)
    const length = this.#lengthUntilEnd(chunk)
    this.#bytes += length ?? chunk.length
    if (length === undefined) {
      this.#tail = (this.#tail + chunk.toString('latin1', Math.max(0, chunk.length - 4))).slice(-4)
      return chunk.subarray(chunk.length)
    }
    this.#inMessage = false
    this.#take({ bytes: this.#bytes, signed: this.#head.startsWith(signature) })
    this.#reply('250 2.0.0 Taken')
    return chunk.subarray(length)
  }

  /** How many bytes of the chunk belong to the message, if it ends there. */
  #lengthUntilEnd(chunk: Buffer): number | undefined {
    const across = (this.#tail + chunk.toString('latin1', 0, 4)).indexOf(endOfMessage)
    if (across !== -1) return across + endOfMessage.length - this.#tail.length
    const within = chunk.indexOf(endOfMessage)
    return within === -1 ? undefined : within + endOfMessage.length
  }

  #reply(text: string, then = (): void => {}): void {
    const write = (): void => {
      this.#socket.write(`${text}\r\n`)
      then()
    }
    if (this.#latency === 0) write()
    else setTimeout(write, this.#latency)
  }
}
