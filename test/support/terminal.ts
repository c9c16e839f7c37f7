import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Ending } from './endings.ts'
import { main } from './process.ts'

const script = fileURLToPath(new URL('./terminal.py', import.meta.url))

/** The command line in a pseudo-terminal of 24 lines and 100 columns. */
export class Terminal {
  readonly child: ChildProcess
  /** All that was written to the terminal. */
  shown = ''
  readonly ended: Promise<number | null>

  constructor(args: readonly string[], folder: string, env: NodeJS.ProcessEnv) {
    const line = [script, process.execPath, '--conditions=afterwork-source', main, ...args]
    this.child = spawn('python3', line, {
      cwd: folder,
      env: { PATH: process.env['PATH'], TERM: 'xterm-256color', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.child.stdout!.on('data', (chunk: Buffer) => (this.shown += chunk.toString()))
    this.child.stdin!.on('error', () => {})
    this.ended = once(this.child, 'close').then(([code]) => code as number | null)
  }

  type(keys: string): void {
    this.child.stdin!.write(`${JSON.stringify({ keys })}\n`)
  }

  resize(rows: number, columns: number): void {
    this.child.stdin!.write(`${JSON.stringify({ size: [rows, columns] })}\n`)
  }

  /** Waits until what was shown after the first `from` characters matches. */
  async shows(pattern: RegExp, from = 0): Promise<void> {
    const end = this.ended.then(() => Promise.reject(new Error(`It ended: ${JSON.stringify(this.shown)}`)))
    end.catch(() => {})
    while (!pattern.test(this.shown.slice(from))) await Promise.race([once(this.child.stdout!, 'data'), end])
  }
}

/** Runs `afterwork ...args` in a pseudo-terminal; it is ended with the test. */
export function terminal(
  ending: Ending,
  args: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv = {},
): Terminal {
  const started = new Terminal(args, folder, env)
  ending.teardown(async () => {
    started.child.kill('SIGTERM')
    await started.ended
  })
  return started
}
