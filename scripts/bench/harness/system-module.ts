import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'

/** What the module of a system exports; it is imported in the process of that system. */
export interface SystemModule<Options extends object = object> {
  start: (options: Options) => Promise<StartedSystem>
}

/** A system that has started: it listens, answers what the benchmark asks, or both. */
export interface StartedSystem {
  /** Of the server on 127.0.0.1. */
  port?: number
  /** Does what the benchmark asks by RunningSystem.ask(), with the parameters of that call; both ways it is JSON. */
  answers?: Record<string, (parameters: any) => object | Promise<object>>
  /** Ends what would outlive the process: its own child processes, say. */
  stop?: () => Promise<void>
}

/** A system that listens on 127.0.0.1. */
export interface ListeningSystem extends StartedSystem {
  port: number
}

/** Thrown by start() where what the system needs is not installed; the message says what. */
export class Absent extends Error {
  override name = 'Absent'
}

/** Waits for the server that `app.listen(0, '127.0.0.1')` returned. */
export async function listening(server: Server): Promise<ListeningSystem> {
  if (!server.listening) await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port }
}
