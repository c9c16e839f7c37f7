import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The service as the demo sees it: a process of its own. */
export interface RunningService {
  /** Where it listens. */
  url: string
  /** The largest delay of its event loop since this was last asked, in milliseconds. */
  loopDelay(): Promise<number>
}

const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))
const preload = new URL('./loop-delay.ts', import.meta.url).href

/** What would make the demo's service another one than a new user gets, or send real mail. */
const configured = /^(AFTERWORK_\w+|MAIL_\w+|SMTP_URL|HOST|PORT|LOG_LEVEL)$/

/** How long it may take to stop, in milliseconds. */
const patience = 5_000

/** Starts `afterwork serve` on a free port, with everything it stores in `folder`; `onEnd` hears of its early end. */
export function spawnService(folder: string, onEnd: (reason: Error) => void): ChildProcess {
  if (!existsSync(main)) throw new Error('the service is not built: run `npm run build` first')
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !configured.test(name)))
  const args = ['--import', preload, main, 'serve', '--port', '0', '--data', `${folder}/data`]
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let complaint = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  child.once('error', onEnd)
  child.once('close', (code, signal) => {
    const why = complaint.trim().split('\n')[0] || `it ended with ${signal ?? `code ${code}`}`
    onEnd(new Error(`the service failed: ${why}`))
  })
  return child
}

/** Waits until the service says where it listens. */
export async function serviceReady(child: ChildProcess, signal: AbortSignal): Promise<RunningService> {
  const url = await new Promise<string>((resolve, reject) => {
    signal.throwIfAborted()
    signal.addEventListener('abort', () => reject(signal.reason))
    createInterface(child.stdout!).on('line', (line) => {
      const [, url] = /listening on (http\S+)/.exec(line) ?? []
      if (url !== undefined) resolve(url)
    })
  })
  return {
    url,
    async loopDelay() {
      const answered = once(child, 'message', { signal })
      child.send('loop delay?')
      const [delay] = (await answered) as [number]
      return delay
    },
  }
}

/** Stops it as an operator would, with SIGTERM, and by force only if that does not help. */
export async function stopService(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  // Its end is no failure any more.
  child.removeAllListeners('close')
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), patience)
  await ended
  clearTimeout(timer)
}
