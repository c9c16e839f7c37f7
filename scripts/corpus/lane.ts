import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { CorpusFile } from './file.ts'
import { mutate } from './mutation.ts'
import type { Observation, Request, Trial } from './trial.ts'

const subject = new URL('subject.ts', import.meta.url)
/** How long, in milliseconds, past the timeouts of its runs a subject may need to end them and to answer. */
const grace = 30_000
/** Characters kept of what a subject prints for one file. */
const maxPrinted = 10_000
const nodeArguments = ['--conditions=afterwork-source', '--disable-warning=ExperimentalWarning']

/** A subject and its process, which is replaced when it dies or was told to. */
export class Lane {
  #child: ChildProcess | undefined
  #printed = ''
  #busy = false
  /** How a process ended that had nothing to do: what an earlier file left behind did it. */
  #endedBetween: string | null = null
  #folder: string | undefined

  /** Of the present process; undefined before the first file and after an end. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Tries one file; never rejects for anything that the file does to the process. */
  async try(file: CorpusFile, timeout: number, again: boolean): Promise<Trial> {
    const late = this.#endedBetween
    this.#endedBetween = null
    const child = (this.#child ??= await this.#start())
    const request: Request = {
      path: file.mutation === undefined ? file.path : await this.#write(file),
      name: basename(file.path),
      timeout,
      again,
    }
    this.#printed = ''
    this.#busy = true
    const { seen, exit } = await ask(child, request, timeout * (again ? 2 : 1) + grace)
    this.#busy = false
    if (exit !== null) this.#child = undefined
    // What was printed comes by a pipe of its own, and may come a turn later than the answer.
    await setImmediate()
    return { file, seen, exit: exit ?? late, printed: this.#printed }
  }

  /** Ends the process; the next file gets a new one. */
  async renew(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    if (child.connected) child.disconnect()
    const timer = setTimeout(() => child.kill('SIGKILL'), grace)
    await exit
    clearTimeout(timer)
  }

  async stop(): Promise<void> {
    await this.renew()
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
  }

  async #start(): Promise<ChildProcess> {
    // Here and not in the subject, which may be killed: what it leaves goes with the lane.
    const stored = await mkdtemp(join(await this.#room(), 'files-'))
    const child = fork(subject, [stored], {
      execArgv: nodeArguments,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#printed = (this.#printed + text).slice(0, maxPrinted)
      })
    }
    // A message that cannot be sent is told of as an end.
    child.on('error', () => {})
    child.once('exit', (code, name) => {
      if (this.#busy || this.#child !== child) return
      this.#child = undefined
      this.#endedBetween = `ended with ${name ?? code} after an earlier file`
    })
    const ready = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => null)])
    if (ready === null) throw new Error(`The subject does not start: ${this.#printed}`)
    return child
  }

  async #room(): Promise<string> {
    return (this.#folder ??= await mkdtemp(join(tmpdir(), 'afterwork-corpus-')))
  }

  async #write(file: CorpusFile): Promise<string> {
    const path = join(await this.#room(), 'damaged')
    await writeFile(path, mutate(await readFile(file.path), file.mutation!))
    return path
  }
}

/** The answer of a subject, or how it ended; one that is silent for longer than `patience` milliseconds is killed. */
async function ask(
  child: ChildProcess,
  request: Request,
  patience: number,
): Promise<{ seen: Observation | null; exit: string | null }> {
  const listening = new AbortController()
  const { signal } = listening
  let silent = false
  const timer = setTimeout(() => {
    silent = true
    child.kill('SIGKILL')
  }, patience)
  try {
    const answer = once(child, 'message', { signal }).then(([seen]) => ({
      seen: seen as Observation,
      exit: null,
    }))
    const exit = once(child, 'exit', { signal }).then(([code, name]) => ({
      seen: null,
      exit: silent ? `did not answer for ${patience / 1_000} s` : `ended with ${name ?? code}`,
    }))
    child.send(request)
    const first = Promise.race([answer, exit])
    for (const one of [answer, exit]) one.catch(() => {})
    return await first
  } finally {
    clearTimeout(timer)
    listening.abort()
  }
}
