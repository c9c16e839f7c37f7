import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Ending } from '../support/endings.ts'

/** A program that listens. */
export interface Started {
  /** The text so far. */
  said(): string
  url: string
  /** Sends SIGTERM, and resolves with its exit code. */
  stop(): Promise<number | null>
}

/** Starts a program that prints where it listens; it ends with the test. */
export async function start(
  ending: Ending,
  node: string,
  args: readonly string[],
  cwd: string,
): Promise<Started> {
  const child = spawn(node, args, {
    cwd,
    env: { PATH: process.env['PATH'], PORT: '0', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  ending.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let text = ''
  const port = new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      text += chunk.toString()
      const found = /(?:port: |127\.0\.0\.1:)(\d+)/.exec(text)?.[1]
      if (found !== undefined) resolve(found)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    void ended.then((code) => reject(new Error(`It ended with code ${code}:\n${text}`)))
  })
  return {
    url: `http://127.0.0.1:${await port}`,
    said: () => text,
    stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}
