import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./service.ts', import.meta.url))

/** How long a service may take until it listens, and to stop when it is asked to, in milliseconds. */
const limits = { start: 120_000, stop: 20_000 }

/** What all lives of the service have in common. */
export interface LifeSettings {
  env: Record<string, string>
  /** The file that takes what the service says of itself. */
  log: string
  /** Hears that the service ended though nobody killed it, or never listened. */
  onTrouble: (reason: Error) => void
}

/** The service from one start to one kill: a process of its own. */
export class Life {
  readonly startedAt = performance.now()
  /** How long the start took, in milliseconds, once it listens. */
  took: number | null = null
  killed = false
  /** Where it listens, once it does; undefined when it was killed before. */
  readonly listening: Promise<string | undefined>
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>

  constructor({ env, log, onTrouble }: LifeSettings) {
    const output = openSync(log, 'a')
    this.#child = spawn(process.execPath, ['--conditions=afterwork-source', program], {
      env: { PATH: process.env['PATH'], UV_THREADPOOL_SIZE: '8', ...env },
      stdio: ['ignore', 'pipe', output, 'ipc'],
    })
    closeSync(output)
    this.#exited = once(this.#child, 'exit').then(([code, signal]) => {
      if (this.killed) return
      onTrouble(new Error(`the service ended of itself, with ${signal ?? `code ${code}`}:\n${tailOf(log)}`))
    }, onTrouble)
    this.listening = this.#listening(onTrouble)
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Resolves once the process is gone. */
  kill(): Promise<unknown> {
    if (!this.killed) {
      this.killed = true
      this.#child.kill('SIGKILL')
    }
    return this.#exited
  }

  /** Asks it to stop, as an operator would; false when it had to be killed for it. */
  async stop(): Promise<boolean> {
    this.killed = true
    this.#child.kill('SIGTERM')
    const late = setTimeout(() => this.#child.kill('SIGKILL'), limits.stop)
    await this.#exited
    clearTimeout(late)
    return this.#child.signalCode !== 'SIGKILL'
  }

  #listening(onTrouble: (reason: Error) => void): Promise<string | undefined> {
    return new Promise((resolve) => {
      const late = setTimeout(
        () => onTrouble(new Error(`the service does not listen after ${limits.start / 1_000} s`)),
        limits.start,
      )
      const settle = (url?: string) => {
        clearTimeout(late)
        resolve(url)
      }
      createInterface(this.#child.stdout!).on('line', (line) => {
        const [, url] = /listening on (http\S+)/.exec(line) ?? []
        if (url === undefined) return
        this.took = performance.now() - this.startedAt
        settle(url)
      })
      void this.#exited.then(() => settle())
    })
  }
}

/** What a file ends with, without the lines of stacks. */
function tailOf(path: string): string {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  return lines
    .filter((line) => !/^ +at /.test(line))
    .slice(-10)
    .join('\n')
}
