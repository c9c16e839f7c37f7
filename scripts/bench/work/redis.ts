import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { findProgram, freePort } from './peer.ts'

/** A redis-server of our own. */
export interface Redis {
  port: number
  stop: () => Promise<void>
}

/**
 * Runs a command until its own standard input ends, as it does however the process dies that started it: a server
 * must not outlive a benchmark that was killed.
 */
const guard = '"$@" & pid=$!; exec >&-; read -r _; kill "$pid"; wait "$pid"'

/**
 * Starts a server that syncs every write before it answers, with its files in `folder`.
 * @throws Absent
 */
export async function startRedis(folder: string): Promise<Redis> {
  const program = findProgram('redis-server')
  const port = await freePort()
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'yes',
    appendfsync: 'always',
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  const server = spawn('sh', ['-c', guard, 'sh', program, ...args], { stdio: ['pipe', 'pipe', 2] })
  const exited = once(server, 'exit')
  // Its output is read to the end, for a full pipe would block it.
  let said = ''
  await new Promise<void>((resolve, reject) => {
    server.stdout!.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-1_000)
      if (said.includes('Ready to accept connections')) resolve()
    })
    server.stdout!.once('end', () => reject(new Error(`redis-server ended: ${lastLine(said)}`)))
    server.once('error', reject)
  })
  async function stop(): Promise<void> {
    server.stdin!.end()
    await exited
  }
  return { port, stop }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)!
}
