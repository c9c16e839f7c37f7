import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Ending } from './endings.ts'
import { temporaryFolder } from './folder.ts'

/** How a process ended and all it said. */
export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** The command line as a real process, in an empty folder, without the variables of this one. */
export class CommandLine {
  /** Its working directory. */
  readonly folder: string
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  readonly ended: Promise<Ended>

  constructor(folder: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.folder = folder
    this.child = spawn(process.execPath, ['--conditions=afterwork-source', main, ...args], {
      cwd: folder,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout!.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    this.child.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      return { code, signal, stdout: this.stdout, stderr: this.stderr } as Ended
    })
  }

  /** Where it listens, once it does; rejects when it ends before. */
  listening(): Promise<string> {
    return this.says(/listening on (http:\/\/\S+)/)
  }

  /** The first group of what its output matches, once it does. */
  async says(pattern: RegExp): Promise<string> {
    const end = this.ended.then(({ stderr }) => Promise.reject(new Error(`It ended: ${stderr}`)))
    end.catch(() => {})
    for (;;) {
      const match = pattern.exec(this.stdout)
      if (match !== null) return match[1] ?? match[0]
      await Promise.race([once(this.child.stdout!, 'data'), end])
    }
  }
}

/** Starts `afterwork ...args`; a process that still runs when the test ends is killed. */
export async function command(
  ending: Ending,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  folder?: string,
): Promise<CommandLine> {
  const line = new CommandLine(folder ?? (await temporaryFolder(ending)), args, env)
  ending.teardown(async () => {
    line.child.kill('SIGKILL')
    await line.ended
  })
  return line
}

/** Starts `afterwork serve` on a free port. */
export function serveCommand(
  ending: Ending,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<CommandLine> {
  return command(ending, ['serve', '--port', '0', ...args], env)
}
