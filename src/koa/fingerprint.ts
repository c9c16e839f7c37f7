import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** What stands for the boundary of a multipart body, which every sender makes anew. */
const mark = Buffer.from([0])

/**
 * A digest of a request: its method, URL, media type and body, but for the boundary of a multipart one. It looks on
 * while others read the body, and reads what they leave.
 */
export class Fingerprint {
  readonly #request: IncomingMessage
  readonly #hash = createHash('sha256')
  readonly #take: (chunk: Buffer) => void
  readonly #rest: () => void
  #read = 0

  /** To be made before anybody reads the body. */
  constructor(request: IncomingMessage, url: string) {
    this.#request = request
    const type = request.headers['content-type'] ?? ''
    const boundary = /^multipart\/[^;]*;.*?boundary=(?:"([^"]{1,200})"|([^\s;]{1,200}))/is.exec(type)
    const named = boundary?.[1] ?? boundary?.[2]
    this.#hash.update(JSON.stringify([request.method, url, named === undefined ? type : 'multipart']))
    const update = (chunk: Buffer): void => void this.#hash.update(chunk)
    const body = named === undefined ? undefined : new Cut(Buffer.from(`--${named}`), mark, update)
    this.#take = body === undefined ? update : (chunk) => body.write(chunk)
    this.#rest = () => body?.end()
    this.#lookOn()
  }

  /**
   * Resolves when the whole body was read; what nobody wants of it is read here, `most` bytes of it.
   * Undefined when it is longer, or was cut off.
   */
  async digest(most: number): Promise<string | undefined> {
    if (!this.#request.readableEnded && !(await this.#readOn(this.#read + most))) return undefined
    this.#rest()
    return this.#hash.digest('hex')
  }

  /** Whoever reads makes the stream tell of 'data'; to listen to that would make it flow before its reader is there. */
  #lookOn(): void {
    const request = this.#request
    const emit = request.emit.bind(request) as (event: string | symbol, ...args: unknown[]) => boolean
    request.emit = (event: string | symbol, ...args: unknown[]): boolean => {
      if (event === 'data') {
        const [chunk] = args as [Buffer | string]
        const bytes =
          typeof chunk === 'string' ? Buffer.from(chunk, request.readableEncoding ?? 'utf8') : chunk
        this.#read += bytes.length
        this.#take(bytes)
      }
      return emit(event, ...args)
    }
  }

  /** Whether the end was reached. */
  #readOn(most: number): Promise<boolean> {
    const request = this.#request
    if (request.destroyed) return Promise.resolve(request.readableEnded)
    return new Promise((resolve) => {
      const over = (whole: boolean) => (): void => {
        request.off('data', tooLong).off('end', ended).off('close', closed).off('error', closed)
        resolve(whole)
      }
      const [ended, closed] = [over(true), over(false)]
      const tooLong = (): void => {
        if (this.#read > most) closed()
      }
      request.on('data', tooLong).once('end', ended).once('close', closed).once('error', closed)
      request.resume()
    })
  }
}

/** Passes a stream on with every occurrence of some bytes replaced, wherever its chunks begin and end. */
class Cut {
  readonly #bytes: Buffer
  readonly #mark: Buffer
  readonly #pass: (chunk: Buffer) => void
  #kept: Buffer = Buffer.alloc(0)

  constructor(bytes: Buffer, mark: Buffer, pass: (chunk: Buffer) => void) {
    this.#bytes = bytes
    this.#mark = mark
    this.#pass = pass
  }

  write(chunk: Buffer): void {
    let rest = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk])
    for (let at = rest.indexOf(this.#bytes); at >= 0; at = rest.indexOf(this.#bytes)) {
      this.#pass(rest.subarray(0, at))
      this.#pass(this.#mark)
      rest = rest.subarray(at + this.#bytes.length)
    }
    // Its end may be the beginning of another occurrence.
    const sure = Math.max(0, rest.length - this.#bytes.length + 1)
    this.#pass(rest.subarray(0, sure))
    this.#kept = Buffer.from(rest.subarray(sure))
  }

  end(): void {
    this.#pass(this.#kept)
    this.#kept = Buffer.alloc(0)
  }
}
