import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { RequestBytes } from './request.ts'

/** Who waits for the answer. */
interface Waiter {
  resolve(status: number): void
  reject(error: Error): void
}

/**
 * A keep-alive connection with one request at a time. It reads just the status and the length of an answer:
 * node:http costs more than the handlers it would measure.
 */
export class Connection {
  readonly #socket: Socket
  #waiter: Waiter | undefined
  #head = ''
  #status = 0
  #bodyLeft = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', (error: Error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('The server closed the connection')))
  }

  static async open({ hostname, port }: URL): Promise<Connection> {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    return new Connection(socket)
  }

  get usable(): boolean {
    return this.#socket.writable && this.#socket.readable
  }

  /** Resolves with the status when the whole answer has come, which must have a Content-Length. */
  request(bytes: RequestBytes): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
      if (typeof bytes === 'string') this.#socket.write(bytes)
      else this.#writeTogether(bytes)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #writeTogether(parts: readonly (string | Uint8Array)[]): void {
    this.#socket.cork()
    for (const part of parts) this.#socket.write(part)
    this.#socket.uncork()
  }

  #read(chunk: Buffer): void {
    if (this.#bodyLeft > 0) this.#bodyLeft -= chunk.length
    else if (!this.#readHead(chunk)) return
    if (this.#bodyLeft > 0) return
    const waiter = this.#waiter
    this.#waiter = undefined
    waiter?.resolve(this.#status)
  }

  #readHead(chunk: Buffer): boolean {
    const text = this.#head + chunk.toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    this.#head = end === -1 ? text : ''
    if (end === -1) return false
    this.#status = Number(text.slice(9, 12))
    const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1]
    const bodyless = this.#status === 204 || this.#status === 304
    if (length === undefined && !bodyless) {
      this.#fail(new Error('Expected an answer with a Content-Length'))
      this.close()
      return false
    }
    this.#bodyLeft = Number(length ?? 0) - (text.length - end - 4)
    return true
  }

  #fail(error: Error): void {
    const waiter = this.#waiter
    this.#waiter = undefined
    waiter?.reject(error)
  }
}
