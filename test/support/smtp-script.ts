import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Ending } from './endings.ts'

/** What is answered: a reply, or instead of one 'nothing' for ever, or 'cut', the end of the connection. */
export type ScriptedAnswer = string

/** What a client says, by its first word; `greeting` and `message` are the moments before its first and after its last. */
export type Script = Partial<
  Record<
    'greeting' | 'EHLO' | 'STARTTLS' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'message',
    (times: number) => ScriptedAnswer | undefined
  >
>

/** What a server that behaves says. */
const usual: Record<string, string> = {
  greeting: '220 here',
  EHLO: '250 here',
  DATA: '354 go on',
  message: '250 2.0.0 taken',
  QUIT: '221 bye',
}

/** An SMTP server that misbehaves where its script says so, in ways that no real one would be made to. */
export class ScriptedServer {
  /** Messages that it said it has taken, and all that came whole. */
  readonly taken: string[] = []
  readonly whole: string[] = []
  readonly #server: Server
  readonly #times = new Map<string, number>()
  readonly #sockets = new Set<Socket>()
  /** Milliseconds before each reply. */
  readonly #latency: number

  constructor(script: Script, latency = 0) {
    this.#latency = latency
    this.#server = createServer((socket) => this.#talk(socket, script))
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** How often it was said a word. */
  times(word: string): number {
    return this.#times.get(word) ?? 0
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #talk(socket: Socket, script: Script): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    let heard = ''
    let inMessage = false
    const say = (word: string): string | undefined => {
      const times = this.times(word)
      this.#times.set(word, times + 1)
      const answer = script[word as keyof Script]?.(times) ?? usual[word] ?? '250 2.0.0 ok'
      if (answer === 'cut') socket.destroy()
      else if (answer !== 'nothing') {
        if (this.#latency === 0) socket.write(`${answer}\r\n`)
        else setTimeout(() => socket.write(`${answer}\r\n`), this.#latency)
        return answer
      }
      return undefined
    }
    const hear = (): boolean => {
      const end = heard.indexOf(inMessage ? '\r\n.\r\n' : '\r\n')
      if (end < 0) return false
      const said = heard.slice(0, end)
      heard = heard.slice(end + (inMessage ? 5 : 2))
      if (inMessage) {
        inMessage = false
        this.whole.push(said)
        if (say('message')?.startsWith('2') === true) this.taken.push(said)
      } else if (say(said.split(/[ :]/)[0]!.toUpperCase()) === usual['DATA']) inMessage = true
      return true
    }
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1')
      while (hear());
    })
    say('greeting')
  }
}

/** A server that follows a script, and ends with the test. */
export async function startScripted(ending: Ending, script: Script, latency = 0): Promise<ScriptedServer> {
  const server = await new ScriptedServer(script, latency).listen()
  ending.teardown(() => server.close())
  return server
}
