import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { AddedTask, AfterworkOptions, CallOptions } from 'afterwork'
import type { TaskRecord, TaskState } from '../../../src/core/task.ts'
import type { Ending } from '../../support/endings.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { send, type Answer } from '../../support/http.ts'
import type { tasks } from './tasks.ts'

/** A task that a process is told to add. */
export interface Added {
  name: keyof typeof tasks.lives
  args: unknown[]
  options?: CallOptions
}

/** What a process is told by HTTP; `commit`: at once, and its response never closes. `local` is the gate of a local function. */
export interface Request {
  add: Added[]
  local?: string
  commit?: boolean
}

/** What a process is asked. */
export type Asked = { number: number } & (
  | ({ what: 'add' } & Added)
  | { what: 'get' | 'cancel'; id: string }
  | { what: 'pause' | 'resume'; pool: string }
  | { what: 'block'; milliseconds: number }
  | { what: 'counters' | 'pools' | 'stop' }
)
type Question = Asked extends infer A ? (A extends Asked ? Omit<A, 'number'> : never) : never

/** What a process tells. */
export interface Told {
  event?: string
  id?: string
  ids?: string[]
  attempt?: number
  url?: string
  during?: string
  message?: string
  answer?: number
  answered?: unknown
  error?: { message: string; code?: string; status?: number }
}

/** What a process is started with; `threads` of the pool `cpu`, 2 by default. */
export type Wishes = Partial<Omit<AfterworkOptions, 'tasks' | 'pools'>> & { threads?: number }

/** How long a test waits for what it is to be told, in milliseconds. */
const deadline = 120_000

/** A process of `service.ts`, and all that it told. */
export class Process {
  readonly child: ChildProcess
  readonly told: Told[] = []
  readonly ended: Promise<unknown>
  url = ''
  stderr = ''
  readonly #watchers = new Set<() => void>()
  #questions = 0

  constructor(options: Wishes) {
    this.child = fork(new URL('./service.ts', import.meta.url), [JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.child.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    this.child.on('message', (message: Told) => {
      this.told.push(message)
      this.#look()
    })
    this.ended = once(this.child, 'exit').then(() => this.#look())
  }

  get gone(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** What it told that is so, or tells once it is. */
  async until(what: string, matches: (told: Told) => boolean): Promise<Told> {
    const until = performance.now() + deadline
    for (;;) {
      const found = this.told.find(matches)
      if (found !== undefined) return found
      if (this.gone || performance.now() > until)
        throw new Error(`${this.gone ? 'It ended' : 'It did not come'}: ${what}; ${this.#lately()}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => look(), deadline)
        const look = (): void => {
          clearTimeout(timer)
          this.#watchers.delete(look)
          resolve()
        }
        this.#watchers.add(look)
      })
    }
  }

  /** It told this of a task. */
  of(event: string, id: string): Promise<Told> {
    return this.until(`${event} of ${id}`, (told) => told.event === event && told.id === id)
  }

  async ask<T>(question: Question): Promise<T> {
    const number = ++this.#questions
    // One that has ended is not asked, and is seen to have ended.
    if (this.child.connected) this.child.send({ ...question, number }, () => {})
    const { answered, error } = await this.until(question.what, ({ answer }) => answer === number)
    if (error !== undefined) throw Object.assign(new Error(error.message), error)
    return answered as T
  }

  add(name: Added['name'], args: unknown[], options?: CallOptions): Promise<AddedTask['id']> {
    return this.ask({ what: 'add', name, args, ...(options === undefined ? {} : { options }) })
  }

  async get(id: string): Promise<TaskRecord | undefined> {
    return (await this.ask<TaskRecord | null>({ what: 'get', id })) ?? undefined
  }

  /** What is known of a task once it is so. */
  async untilRecord(id: string, matches: (record: TaskRecord) => boolean): Promise<TaskRecord> {
    const until = performance.now() + deadline
    for (;;) {
      const record = (await this.get(id))!
      if (matches(record)) return record
      if (performance.now() > until) throw new Error(`It stays ${record.state}, attempt ${record.attempt}`)
      await wait(100)
    }
  }

  /** How many tasks are in each state, once it is so. */
  async untilCounters(
    matches: (counters: Record<TaskState, number>) => boolean,
  ): Promise<Record<TaskState, number>> {
    const until = performance.now() + deadline
    for (;;) {
      const asked = this.ask<Record<TaskState, number>>({ what: 'counters' })
      // The database may be away.
      const counters = await asked.catch((error: unknown) => error as Error)
      if (!(counters instanceof Error) && matches(counters)) return counters
      if (this.gone || performance.now() > until) {
        const now = counters instanceof Error ? `refused: ${counters.message}` : JSON.stringify(counters)
        throw new Error(`It stays ${now}; ${this.#lately()}`)
      }
      await wait(100)
    }
  }

  /** It knows whether a pool is paused. */
  async untilPaused(pool: string, paused: boolean): Promise<void> {
    const until = performance.now() + deadline
    for (;;) {
      const pools = await this.ask<{ name: string; paused: boolean }[]>({ what: 'pools' })
      if (pools.some((one) => one.name === pool && one.paused === paused)) return
      if (performance.now() > until) throw new Error(`${pool} stays as it is`)
      await wait(100)
    }
  }

  /** Adds a task, as often as it is refused because the database is away. */
  async addAgain(name: Added['name'], args: unknown[], options?: CallOptions): Promise<AddedTask['id']> {
    for (;;) {
      try {
        return await this.add(name, args, options)
      } catch (error) {
        if ((error as { status?: number }).status !== 503) throw error
        await wait(100)
      }
    }
  }

  /** A request that adds tasks. */
  request(request: Request): Promise<Answer> {
    return send(`${this.url}?${encodeURIComponent(JSON.stringify(request))}`)
  }

  /** A request whose response does not close; gives the ids once they are committed. */
  async held(request: Omit<Request, 'commit'>): Promise<string[]> {
    const before = this.told.length
    this.request({ ...request, commit: true }).catch(() => {})
    const isCommit = (told: Told): boolean => told.event === 'committed' && this.told.indexOf(told) >= before
    return (await this.until('committed', isCommit)).ids!
  }

  errors(): string[] {
    return this.told
      .filter(({ event }) => event === 'afterwork.error')
      .map(({ during, message }) => `${during}: ${message}`)
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
  }

  #look(): void {
    for (const look of this.#watchers) look()
  }

  /** How it ended, what it told last, and what failed in it: why a test waits in vain. */
  #lately(): string {
    const { exitCode, signalCode } = this.child
    const end = this.gone ? `ended with ${exitCode ?? signalCode}, ` : ''
    const events = this.told.filter(({ answer }) => answer === undefined).slice(-8)
    return `${end}told ${JSON.stringify(events)}, failed ${JSON.stringify(this.errors())}, said ${this.stderr}`
  }
}

/** Where the processes of a test have their stored files: together. */
const folders = new WeakMap<Ending, Promise<string>>()

/** A process that has started, and is killed when the test ends. */
export async function startProcess(ending: Ending, queue: string, options: Wishes = {}): Promise<Process> {
  const files = folders.get(ending) ?? temporaryFolder(ending)
  folders.set(ending, files)
  const started = new Process({ queue, files: await files, ...options })
  ending.teardown(() => started.kill())
  started.url = (await started.until('started', ({ event }) => event === 'started')).url!
  return started
}
