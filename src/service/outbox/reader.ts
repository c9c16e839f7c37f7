import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Problem } from '../../koa/problem.ts'
import { isMessageId, type Answer, type Question, type Reply } from './question.ts'

/** How long one answer may take, in milliseconds. */
const standardPatience = 30_000
/** How long the thread stays when nobody asks, in milliseconds: what it read goes with it. */
const idle = 60_000
/** Requests that wait for the thread. */
const maxAsked = 200
/** A message is bounded before it is read; this is for what nobody thought of. */
const resourceLimits = { maxOldGenerationSizeMb: 512 }

interface Asked {
  question: Question
  resolve(answer: Answer): void
  reject(error: Error): void
}

/** Where the service asks for what is in the outbox. The thread that knows is started by the first who asks. */
export class OutboxReader {
  readonly #folder: string
  readonly #patience: number
  readonly #asked: Asked[] = []
  #worker: Worker | undefined
  #current: Asked | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(folder: string, patience: number = standardPatience) {
    this.#folder = folder
    this.#patience = patience
  }

  /** @throws Problem OUTBOX_BUSY, OUTBOX_SLOW, OUTBOX_CLOSED; the system's error when the folder cannot be read */
  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closed())
      if (this.#asked.length >= maxAsked) return reject(unavailable('OUTBOX_BUSY', 'Too many ask at a time'))
      this.#asked.push({ question, resolve, reject })
      this.#next()
    })
  }

  /** The file of a message, open for reading, or undefined when there is none of that id. */
  async open(id: string): Promise<{ handle: FileHandle; size: number } | undefined> {
    if (!isMessageId(id)) return undefined
    let handle: FileHandle
    try {
      // A pipe of that name would else keep a thread of the file system waiting for its writer.
      const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
      handle = await open(join(this.#folder, `${id}.eml`), flags)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    const stats = await handle.stat()
    if (stats.isFile()) return { handle, size: stats.size }
    await handle.close()
    return undefined
  }

  /** Ends the thread; who still waits is refused. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#end(closed())
    for (const asked of this.#asked.splice(0)) asked.reject(closed())
  }

  #next(): void {
    if (this.#current !== undefined || this.#asked.length === 0) return
    this.#current = this.#asked.shift()!
    this.#worker ??= this.#start()
    this.#worker.postMessage(this.#current.question)
    this.#wait(
      this.#patience,
      unavailable('OUTBOX_SLOW', `It took longer than ${this.#patience / 1_000} seconds`),
    )
  }

  #start(): Worker {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const worker = new Worker(new URL(`./entry.${extension}`, import.meta.url), {
      name: 'afterwork-outbox',
      // It needs none of the service's secrets.
      env: {},
      workerData: { folder: this.#folder },
      resourceLimits,
    })
    worker.unref()
    worker.on('message', (reply: Reply) => {
      // One that was given up may still have answered.
      if (this.#worker === worker) this.#settle(reply)
    })
    worker.on('error', (error: Error) => {
      if (this.#worker === worker) void this.#end(error)
    })
    return worker
  }

  #settle(reply: Reply): void {
    const current = this.#current
    this.#current = undefined
    this.#wait(idle, closed())
    if ('answer' in reply) current?.resolve(reply.answer)
    else current?.reject(Object.assign(new Error(reply.error.message), { code: reply.error.code }))
    this.#next()
  }

  #wait(time: number, error: Error): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#end(error), time)
    this.#timer.unref()
  }

  /** The thread goes, and with it what it was asked; the next question gets a new one. */
  async #end(error: Error): Promise<void> {
    clearTimeout(this.#timer)
    const worker = this.#worker
    const current = this.#current
    this.#worker = undefined
    this.#current = undefined
    current?.reject(error)
    if (!this.#closed) this.#next()
    await worker?.terminate()
  }
}

function closed(): Problem {
  return unavailable('OUTBOX_CLOSED', 'The service is stopping')
}

function unavailable(code: string, detail: string): Problem {
  return new Problem(503, code, detail, { headers: { 'Retry-After': '5' } })
}
