import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { System } from './benchmark.ts'
import { Absent } from './system-module.ts'

/** What the process of a system tells once. */
export type SystemReply = { port: number } | { absent: string }

/** How long a system may take to listen, and to stop before it is killed, in milliseconds. */
const limits = { start: 30_000, stop: 1_000 }

/** A system that answers. */
export class RunningSystem {
  readonly url: string
  readonly pid: number
  readonly #process: ChildProcess

  constructor(child: ChildProcess, port: number) {
    this.#process = child
    this.pid = child.pid!
    this.url = `http://127.0.0.1:${port}`
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
export async function startSystem({ module }: System, options: object = {}): Promise<RunningSystem> {
  const child = forkScript('./system-process.ts', [module, JSON.stringify(options)])
  try {
    const reply = await firstReply(child)
    if ('absent' in reply) throw new Absent(reply.absent)
    return new RunningSystem(child, reply.port)
  } catch (error) {
    await end(child, 'SIGKILL')
    throw error
  }
}

/** A child process of the harness; what it prints goes to standard error, for standard output holds the report. */
export function forkScript(file: string, args: string[] = []): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    execArgv: ['--conditions=afterwork-source'],
    stdio: ['ignore', 2, 2, 'ipc'],
  })
}

async function firstReply(child: ChildProcess): Promise<SystemReply> {
  const signal = AbortSignal.timeout(limits.start)
  const exited = once(child, 'exit', { signal }).then(([code, by]) => {
    throw new Error(`Expected it to start, but its process ended with ${code ?? by}`)
  })
  const [reply] = await Promise.race([once(child, 'message', { signal }), exited])
  exited.catch(() => {})
  return reply as SystemReply
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
