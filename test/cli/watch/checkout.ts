import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, readFile, symlink, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../../support/folder.ts'
import type { Ending } from '../../support/endings.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** How long a test waits for something to be said, in milliseconds. */
const deadline = 90_000

/** A worker that says which version it is; a line with `slow` waits for the file `go` in the data folder. */
export function worker(version: string, more = ''): string {
  return `
import { appendFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { currentTask } from 'afterwork/worker'
const data = process.env['AFTERWORK_DATA']
export async function write(line: string): Promise<void> {
  if (line.includes('slow')) currentTask().log.info('waits')
  while (line.includes('slow') && !existsSync(data + '/go')) await wait(10)
  await appendFile(data + '/notifications.log', '${version} ' + line + '\\n')
}
${more}
`
}

/** A copy of the sources with `serve --watch` running in it, on one port for all its runs. */
export class Checkout {
  readonly folder: string
  readonly url: string
  readonly watcher: ChildProcess
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** All that was said so far, by watcher and service. */
  said = ''
  #heard = 0
  #look = (): void => {}

  private constructor(folder: string, port: number, args: readonly string[]) {
    this.folder = folder
    this.url = `http://127.0.0.1:${port}`
    const main = join(folder, 'src/cli/main.ts')
    const all = ['--conditions=afterwork-source', main, 'serve', '--watch', '--port', String(port), ...args]
    this.watcher = spawn(process.execPath, all, {
      cwd: folder,
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, like that of a program in the foreground of a terminal.
      detached: true,
    })
    for (const stream of [this.watcher.stdout!, this.watcher.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.said += text
        this.#look()
      })
    }
    this.ended = once(this.watcher, 'exit').then(([code, signal]) => ({ code, signal }))
    void this.ended.then(() => this.#look())
  }

  static async start(
    ending: Ending,
    args: readonly string[] = [],
    change: (folder: string) => Promise<void> = async () => {},
  ): Promise<Checkout> {
    const folder = await temporaryFolder(ending)
    for (const name of ['src', 'workers', 'package.json'])
      await cp(join(root, name), join(folder, name), { recursive: true })
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    await writeFile(join(folder, 'workers/notifications.ts'), worker('one'))
    await change(folder)
    const checkout = new Checkout(folder, await freePort(), args)
    ending.teardown(async () => {
      checkout.watcher.kill('SIGKILL')
      for (const pid of checkout.pids) killed(pid)
      await checkout.ended
    })
    return checkout
  }

  /** Process ids of all runs that came to listen. */
  get pids(): number[] {
    return Array.from(this.said.matchAll(/^afterwork (\d+) listening on/gm), ([, pid]) => Number(pid))
  }

  /** Resolves once this is said after what was waited for before. */
  async says(pattern: RegExp): Promise<void> {
    const late = setTimeout(() => this.#look(), deadline)
    const since = performance.now()
    try {
      for (;;) {
        const found = pattern.exec(this.said.slice(this.#heard))
        if (found !== null) {
          this.#heard += found.index + found[0].length
          return
        }
        if (performance.now() - since >= deadline)
          throw new Error(`No ${pattern.source} was said after:\n${this.said.slice(0, this.#heard)}
and then came:\n${this.said.slice(this.#heard)}`)
        await new Promise<void>((resolve) => (this.#look = resolve))
      }
    } finally {
      clearTimeout(late)
    }
  }

  async write(file: string, content: string): Promise<void> {
    await writeFile(join(this.folder, file), content)
  }

  async edit(file: string, from: string, to: string): Promise<void> {
    const before = await readFile(join(this.folder, file), 'utf8')
    const after = before.replace(from, to)
    if (after === before) throw new Error(`${file} has no ${from}`)
    await this.write(file, after)
  }

  /** Lets tasks whose line says `slow` end. */
  go(): Promise<void> {
    return this.write('data/go', '')
  }

  log(): Promise<string> {
    return readFile(join(this.folder, 'data/notifications.log'), 'utf8')
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}
