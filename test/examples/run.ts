import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { temporaryFolder } from '../support/folder.ts'

/** An example that runs in a process of its own, in a folder of its own. */
export interface RunningExample {
  url: string
  folder: string
  /** Sends a signal, and resolves once the example has ended. */
  end(signal: NodeJS.Signals): Promise<void>
  /** Resolves with the text so far once the example has printed what is wanted. */
  printed(wanted: RegExp): Promise<string>
}

const examples = new URL('../../examples/', import.meta.url)

/** How long a test waits for an example to print something, in milliseconds. */
const deadline = 90_000

/** Starts `examples/NAME` from the sources, on a free port, in a new or the given folder; it ends with the test. */
export async function run(
  t: ExecutionContext,
  name: string,
  env: NodeJS.ProcessEnv = {},
  given?: string,
): Promise<RunningExample> {
  const folder = given ?? (await temporaryFolder(t))
  const file = fileURLToPath(new URL(name, examples))
  const child = spawn(process.execPath, ['--conditions=afterwork-source', file], {
    cwd: folder,
    env: { ...process.env, PORT: '0', NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await ended
  }
  t.teardown(() => end('SIGTERM'))

  let text = ''
  const looks = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    for (const look of looks) look()
  })
  const printed = (wanted: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const giveUp = (why: string) => () => reject(new Error(`${why}; ${name} printed:\n${text}`))
      const timer = setTimeout(giveUp(`No ${wanted.source} came`), deadline)
      child.once('close', giveUp('It ended'))
      const look = () => {
        if (!wanted.test(text)) return
        clearTimeout(timer)
        looks.delete(look)
        resolve(text)
      }
      looks.add(look)
      look()
    })

  const [, port] = /(?:port: |127\.0\.0\.1:)(\d+)/.exec(await printed(/(port: |127\.0\.0\.1:)\d+.*\n/))!
  return { url: `http://127.0.0.1:${port}`, folder, end, printed }
}
