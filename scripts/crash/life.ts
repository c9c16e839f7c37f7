import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { takesRequests, type Role } from './roles.ts'

const service = fileURLToPath(new URL('./service.ts', import.meta.url))
const orphan = new URL('./orphan.ts', import.meta.url).href
const command = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const tasks = fileURLToPath(new URL('./tasks.ts', import.meta.url))

/** How long a process may take until it is up, and to stop when it is asked to, in milliseconds. */
const limits = { start: 120_000, stop: 20_000 }

/** What all lives of a process have in common. */
export interface LifeSettings {
  role: Role
  env: Record<string, string>
  /** The file that takes what it says of itself. */
  log: string
  /** Hears that it ended though nobody killed it, or was never up. */
  onTrouble: (reason: Error) => void
}

/** A process of the run from one start to one kill. */
export class Life {
  readonly role: Role
  readonly startedAt = performance.now()
  /** How long the start took, in milliseconds, once it is up. */
  took: number | null = null
  /** Where it listens, once it does. */
  url: string | null = null
  killed = false
  /** Resolves once it is up, or when it was killed before. */
  readonly ready: Promise<void>
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>

  constructor({ role, env, log, onTrouble }: LifeSettings) {
    this.role = role
    const output = openSync(log, 'a')
    this.#child = spawn(process.execPath, argumentsOf(role), {
      env: { PATH: process.env['PATH'], UV_THREADPOOL_SIZE: '8', CRASH_ROLE: role, ...env },
      stdio: ['ignore', 'pipe', output, 'ipc'],
    })
    closeSync(output)
    this.#exited = once(this.#child, 'exit').then(([code, signal]) => {
      if (this.killed) return
      onTrouble(new Error(`\`${role}\` ended of itself, with ${signal ?? `code ${code}`}:\n${tailOf(log)}`))
    }, onTrouble)
    this.ready = this.#ready(log, onTrouble)
  }

  get pid(): number {
    return this.#child.pid!
  }

  get takesRequests(): boolean {
    return takesRequests(this.role)
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

  #ready(log: string, onTrouble: (reason: Error) => void): Promise<void> {
    return new Promise((resolve) => {
      const late = setTimeout(
        () => onTrouble(new Error(`\`${this.role}\` is not up after ${limits.start / 1_000} s`)),
        limits.start,
      )
      const settle = () => {
        clearTimeout(late)
        resolve()
      }
      createInterface(this.#child.stdout!).on('line', (line) => {
        const [, url] = /listening on (http\S+)/.exec(line) ?? []
        if (url === undefined && !/ working on /.test(line)) return appendFileSync(log, `${line}\n`)
        this.url = url ?? null
        this.took = performance.now() - this.startedAt
        settle()
      })
      void this.#exited.then(settle)
    })
  }
}

/** What only works is the command line's own; what takes requests has routes of its own for the load. */
function argumentsOf(role: Role): string[] {
  const flags = ['--conditions=afterwork-source']
  if (takesRequests(role)) return [...flags, service]
  return [...flags, '--import', orphan, command, 'work', '--tasks', tasks, '--pool', 'cpu=2x2']
}

/** What a file ends with, without the lines of stacks. */
function tailOf(path: string): string {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  return lines
    .filter((line) => !/^ +at /.test(line))
    .slice(-10)
    .join('\n')
}
