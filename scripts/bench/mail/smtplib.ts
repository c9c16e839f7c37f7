import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { StartedSystem } from '../harness/system-module.ts'
import { findProgram } from '../work/peer.ts'
import { letter } from './letter.ts'
import type { MailOptions, SendCost, SendParameters } from './protocol.ts'

/** Python's own library, a connection for each of its threads. It does not sign, and gets no attachments here. */
export async function start({ port, concurrency }: MailOptions): Promise<StartedSystem> {
  const python = findProgram('python3')
  const script = fileURLToPath(new URL('./smtplib-client.py', import.meta.url))
  const args = [script, String(port), String(concurrency), JSON.stringify(letter)]
  const client = spawn(python, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(client, 'exit')
  const lines = createInterface(client.stdout)

  async function send({ mails }: SendParameters): Promise<SendCost> {
    client.stdin.write(`${mails}\n`)
    const [cpu] = await Promise.race([once(lines, 'line'), ended.then(tooEarly)])
    return { cpu: Number(cpu), delay: null }
  }
  async function stop(): Promise<void> {
    // It may be in the middle of what it was asked to send.
    client.kill()
    await ended
  }
  return { answers: { send }, stop }
}

function tooEarly(): never {
  throw new Error('Expected a client, but its process ended')
}
