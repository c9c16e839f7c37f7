import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Ending } from './endings.ts'

/** A door at which tasks of the fixture `steps.pass` wait, so that a test decides how long they run. */
export class Gate {
  readonly #server = createServer((request, response) =>
    this.#arrive(decodeURIComponent(request.url!.slice(1)), response),
  )
  readonly #waiting = new Map<string, ServerResponse>()
  readonly #watchers = new Map<string, () => void>()

  async open(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  /** The URL of a door. */
  url(name: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${encodeURIComponent(name)}`
  }

  /** Resolves once a task waits at the door. */
  arrival(name: string): Promise<void> {
    if (this.#waiting.has(name)) return Promise.resolve()
    return new Promise((resolve) => this.#watchers.set(name, resolve))
  }

  /** Lets the task at the door go on. */
  async pass(name: string): Promise<void> {
    await this.arrival(name)
    this.#waiting.get(name)!.end(name)
    this.#waiting.delete(name)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #arrive(door: string, response: ServerResponse): void {
    this.#waiting.set(door, response)
    this.#watchers.get(door)?.()
  }
}

/** A gate that closes when the test ends. */
export async function startGate(ending: Ending): Promise<Gate> {
  const gate = await new Gate().open()
  ending.teardown(() => gate.close())
  return gate
}
