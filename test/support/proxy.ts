import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Ending } from './endings.ts'

/** A way through the proxy. */
interface Way {
  client: Socket
  server: Socket
  /** What its client calls itself to PostgreSQL. */
  name: string
  /** What its client said last. */
  said: string
}

/** Something that is cut once it is said. */
interface Trap {
  text: string
  /** What was said just before it. */
  after: string
  answer: boolean
  sprung(): void
}

/** A question whose client has lost its connection, and that is still on its way. */
interface Delayed {
  text: string
  /** What was said just before it. */
  after: string
  sent: (arrive: () => Promise<void>) => void
}

/** An answer that is kept for a while. */
interface Hold {
  text: string
  /** What is in it. */
  content: string
  held(release: () => void): void
}

/** A TCP proxy in front of a PostgreSQL server, which does to connections what networks do. */
export class Proxy {
  readonly #host: string
  readonly #port: number
  readonly #server = createServer((client) => this.#join(client))
  readonly #ways = new Set<Way>()
  /** Connections to the server whose clients are gone. */
  readonly #late = new Set<Socket>()
  #delay = 0
  #closed = false
  #refused: (name: string) => boolean = () => false
  #traps: Trap[] = []
  #hold: Hold | undefined
  #delayed: Delayed[] = []
  /** Resolves once bytes go through; undefined while they do. */
  #stall: { over: Promise<void>; end(): void } | undefined

  /** `url` is that of the server. */
  constructor(url: string) {
    const { hostname, port } = new URL(url)
    this.#host = hostname
    this.#port = Number(port || 5432)
  }

  async open(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  /** A URL of the server, as it is reached through here. */
  through(url: string): string {
    const through = new URL(url)
    through.hostname = '127.0.0.1'
    through.port = String((this.#server.address() as AddressInfo).port)
    return through.href
  }

  /** Names of the connections that are open. */
  names(): string[] {
    return Array.from(this.#ways, ({ name }) => name)
  }

  /** Cuts the connections whose client has such a name, by default all; gives how many they were. */
  cut(which: (name: string) => boolean = () => true): number {
    const cut = [...this.#ways].filter(({ name }) => which(name))
    for (const way of cut) this.#end(way)
    return cut.length
  }

  /** From now on the connections of clients with such a name are cut as soon as they say it. */
  refuse(which: (name: string) => boolean = () => true): void {
    this.#refused = which
  }

  /** From now on every packet comes so many milliseconds late, in both directions. */
  delay(milliseconds: number): void {
    this.#delay = milliseconds
  }

  /** Nothing goes through, and no connection is cut, until letThrough(). */
  stall(): void {
    let end = (): void => {}
    const over = new Promise<void>((resolve) => (end = resolve))
    this.#stall ??= { over, end }
  }

  /** As though nothing had happened. */
  letThrough(): void {
    this.#delay = 0
    this.#refused = () => false
    this.#stall?.end()
    this.#stall = undefined
  }

  /** Cuts the connection over which a client says such a text next, before the server has heard it. */
  loseQuestion(text: string): Promise<void> {
    return this.#trap(text, '', false)
  }

  /**
   * Cuts it once the server has done what it was told, and before the client hears of it; `after` is in what the client
   * said just before.
   */
  loseAnswer(text: string, after = ''): Promise<void> {
    return this.#trap(text, after, true)
  }

  /**
   * Keeps the next answer to such a text that has such a content until what this gives is called; resolves once the server
   * has answered.
   */
  holdAnswer(text: string, content: string): Promise<() => void> {
    return new Promise((held) => (this.#hold = { text, content, held }))
  }

  /**
   * Cuts the connection over which a client says such a text next; the server hears it when what this gives is called, which
   * resolves once it has done what it was told.
   */
  delayQuestion(text: string, after = ''): Promise<() => Promise<void>> {
    return new Promise((sent) => this.#delayed.push({ text, after, sent }))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.letThrough()
    this.cut()
    for (const server of this.#late) server.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #trap(text: string, after: string, answer: boolean): Promise<void> {
    return new Promise((sprung) => this.#traps.push({ text, after, answer, sprung }))
  }

  #join(client: Socket): void {
    const server = connect(this.#port, this.#host)
    const way: Way = { client, server, name: '', said: '' }
    this.#ways.add(way)
    let lost: Trap | undefined
    let asked: Hold | undefined
    const toServer = this.#carrier(server)
    const toClient = this.#carrier(client)
    client.on('data', (chunk) => {
      const said = chunk.toString('latin1')
      way.name ||= /\0application_name\0([^\0]*)/.exec(said)?.[1] ?? ''
      if (this.#refused(way.name)) return this.#end(way)
      const matches = ({ text, after }: { text: string; after: string }): boolean =>
        said.includes(text) && way.said.includes(after)
      const trap = this.#traps.find(matches)
      const delayed = this.#delayed.find(matches)
      way.said = said
      if (delayed !== undefined) {
        this.#delayed = this.#delayed.filter((other) => other !== delayed)
        return this.#delayOf(way, chunk, delayed)
      }
      if (trap !== undefined) {
        this.#traps = this.#traps.filter((other) => other !== trap)
        if (!trap.answer) {
          this.#end(way)
          return trap.sprung()
        }
        lost = trap
      }
      if (this.#hold !== undefined && said.includes(this.#hold.text)) asked = this.#hold
      toServer(chunk)
    })
    server.on('data', (chunk) => {
      if (asked !== undefined && asked === this.#hold && chunk.includes(asked.content)) {
        this.#hold = undefined
        server.pause()
        return asked.held(() => {
          toClient(chunk)
          server.resume()
        })
      }
      asked = undefined
      if (lost === undefined) return toClient(chunk)
      this.#end(way)
      lost.sprung()
    })
    for (const socket of [client, server]) {
      socket.on('error', () => {})
      socket.on('close', () => this.#end(way))
    }
    if (this.#closed) this.#end(way)
  }

  /** Carries chunks on in their order, each as late as it is to be. */
  #carrier(to: Socket): (chunk: Buffer) => void {
    let before: Promise<unknown> = Promise.resolve()
    return (chunk) => {
      const late = this.#delay
      const waited = late === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, late))
      before = before.then(async () => {
        await waited
        while (this.#stall !== undefined) await this.#stall.over
        if (!to.destroyed) to.write(chunk)
      })
    }
  }

  /** The server hears nothing before that, not even that its client is gone. */
  #delayOf(way: Way, chunk: Buffer, { sent }: Delayed): void {
    const { client, server } = way
    this.#ways.delete(way)
    client.destroy()
    this.#late.add(server)
    const ended = once(server, 'close').then(() => void this.#late.delete(server))
    sent(() => {
      server.end(chunk)
      return ended
    })
  }

  #end(way: Way): void {
    // What is stalled is not heard of, not even that a connection has ended.
    if (!this.#ways.has(way)) return
    this.#ways.delete(way)
    way.client.destroy()
    way.server.destroy()
  }
}

/** A proxy in front of the server of a URL, which ends with the test. */
export async function startProxy(ending: Ending, url: string): Promise<Proxy> {
  const proxy = await new Proxy(url).open()
  ending.teardown(() => proxy.close())
  return proxy
}
