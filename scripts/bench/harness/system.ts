import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { System } from './benchmark.ts'
import { Absent } from './system-module.ts'

/** What the process of a system tells: how its start went, then an answer to each question. */
export type SystemReply =
  { port: number | null } | { absent: string } | { answer: object } | { error: string }

/** What the process of a system is asked; one at a time. */
export interface Question {
  ask: string
  parameters: object
}

/** How long a system may take to start, and to stop before it is killed, in milliseconds. */
const limits = { start: 30_000, stop: 10_000 }

/** A system that answers. */
export class RunningSystem {
  readonly pid: number
  readonly #process: ChildProcess
  readonly #port: number | null

  constructor(child: ChildProcess, port: number | null) {
    this.#process = child
    this.#port = port
    this.pid = child.pid!
  }

  /** Where it listens. */
  get url(): string {
    if (this.#port === null) throw new Error('Expected a system that listens')
    return `http://127.0.0.1:${this.#port}`
  }

  /** What the system answers to this question; ask one at a time. Rejects with the message of what failed there. */
  async ask<Answer extends object>(question: string, parameters: object = {}): Promise<Answer> {
    if (!this.#process.connected) throw new Error('Expected a system that runs, but its process has ended')
    const replied = nextReply(this.#process)
    this.#process.send({ ask: question, parameters } satisfies Question)
    const reply = await replied
    if ('error' in reply) throw new Error(reply.error)
    return (reply as { answer: Answer }).answer
  }

  /** Ends the process and waits until it is gone; with 'SIGKILL' it dies at once. */
  async stop(signal?: 'SIGKILL'): Promise<void> {
    await end(this.#process, signal)
  }
}

/**
 * Starts a system in a process of its own, with `options` for the start() of its module.
 * @throws Absent
 */
export async function startSystem(
  { module, flags, env }: System,
  options: object = {},
): Promise<RunningSystem> {
  const child = forkScript('./system-process.ts', [module, JSON.stringify(options)], flags, env)
  try {
    const reply = await nextReply(child, AbortSignal.timeout(limits.start))
    if ('absent' in reply) throw new Absent(reply.absent)
    if ('error' in reply) throw new Error(reply.error)
    return new RunningSystem(child, (reply as { port: number | null }).port)
  } catch (error) {
    await end(child, 'SIGKILL')
    throw error
  }
}

/** A child process of the harness; what it prints goes to standard error, for standard output holds the report. */
export function forkScript(
  file: string,
  args: string[] = [],
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    execArgv: ['--conditions=afterwork-source', ...flags],
    env: { ...process.env, ...env },
    stdio: ['ignore', 2, 2, 'ipc'],
  })
}

/** What the process says next; rejects when it ends instead. */
async function nextReply(child: ChildProcess, limit?: AbortSignal): Promise<SystemReply> {
  const over = new AbortController()
  const signal = limit === undefined ? over.signal : AbortSignal.any([over.signal, limit])
  const exited = once(child, 'exit', { signal }).then(([code, by]) => {
    throw new Error(`Expected it to answer, but its process ended with ${code ?? by}`)
  })
  exited.catch(() => {})
  try {
    const [reply] = await Promise.race([once(child, 'message', { signal }), exited])
    return reply as SystemReply
  } finally {
    over.abort()
  }
}

/** Without a signal the process hears that its parent has gone, as it does when the harness itself is killed. */
async function end(child: ChildProcess, signal?: 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  if (signal !== undefined) child.kill(signal)
  else if (child.connected) child.disconnect()
  const late = setTimeout(() => child.kill('SIGKILL'), limits.stop)
  await exited
  clearTimeout(late)
}
