import { spawn, type ChildProcess } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Request } from './child.ts'

/** How a run ended. */
export interface End {
  code: number | null
  signal: NodeJS.Signals | null
}

/** The service in a process of its own, started once. */
export class Run {
  readonly ended: Promise<End>
  /** Whether its end is no news: somebody asked for it. */
  asked = false
  /** Whether it has not ended. */
  alive = true
  readonly #child: ChildProcess

  constructor(args: readonly string[]) {
    const entry = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url))
    this.#child = spawn(process.execPath, [...process.execArgv, entry, ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // In a group of its own, or Ctrl-C would reach it twice, and the second signal ends it at once.
      detached: true,
      windowsHide: true,
    })
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null) => {
        this.alive = false
        resolve({ code, signal })
      }
      this.#child.once('exit', end)
      this.#child.once('error', () => end(null, null))
    })
  }

  /** Has it load its worker modules anew, once it has started. */
  recycle(): void {
    // Should it be gone, its end says so.
    this.#child.send({ type: 'recycle' } satisfies Request, () => {})
  }

  /** Asks it to stop, and kills it when it has not ended after so many milliseconds. */
  async stop(signal: NodeJS.Signals, patience: number): Promise<End> {
    this.asked = true
    if (this.alive) this.#child.kill(signal)
    const timer = setTimeout(() => this.kill(), patience)
    const end = await this.ended
    clearTimeout(timer)
    return end
  }

  /** Ends it at once; a queue on disk survives that. */
  kill(): void {
    this.asked = true
    if (this.alive) this.#child.kill('SIGKILL')
  }
}
