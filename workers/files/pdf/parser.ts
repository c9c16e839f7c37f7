import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { fileError } from '../error.ts'
import type { Preview } from './preview.ts'
import type { ParseRequest, ParserMessage, ReadPdf } from './protocol.ts'

/** Heap and Buffers of the thread, the file's own bytes among them. */
const maxBytes = 450_000_000
/** Milliseconds between looks at the time and the memory. */
const interval = 50
/** A thread that holds on to more than this, garbage included, is not used for another file. */
const maxIdleBytes = 250_000_000
/** How long a thread waits for another file. */
const maxIdleSeconds = 30

/** What a parser found, and the picture if there is one. */
export interface ParsedPdf extends ReadPdf {
  preview: Preview | undefined
}

/** How a file is parsed. */
export interface ParseOptions {
  signal: AbortSignal
  /** Whether the first page is wanted as a picture. */
  draw: boolean
  /** For what comes before the first page, for each page, and for drawing; 30 by default. */
  maxSeconds?: number
  /** Called before each page is read. */
  onPage: (page: number, pages: number) => void
  /** Called before the first page is drawn. */
  onDraw: () => void
}

/**
 * pdf.js in a thread of its own. A file of a few kilobytes can keep it busy for hours and fill all memory, without a turn
 * of the loop between: only from outside can it be stopped, and then its thread is no loss. Besides, it does not hold up
 * the tasks that share the caller's thread, nor do they meet its polyfills.
 */
export class Parser {
  /** One waits for the next file; another that comes free is ended. */
  static #idle: Parser | undefined

  readonly #thread: Worker
  #job: Job | undefined
  #isReady = false
  #hasEnded = false
  /** While it has a job, the interval at which it is looked at; then the time until it is ended. */
  #timer: NodeJS.Timeout | undefined

  /**
   * Parses a PDF, whose bytes it takes away.
   * @throws BROKEN_PDF, PDF_TIMEOUT, PDF_TOO_COMPLEX; the signal's reason
   */
  static async parse(data: Uint8Array<ArrayBuffer>, options: ParseOptions): Promise<ParsedPdf> {
    options.signal.throwIfAborted()
    const parser = Parser.#idle ?? new Parser()
    Parser.#idle = undefined
    try {
      return await parser.#parse(data, options)
    } finally {
      await parser.#rest()
    }
  }

  private constructor() {
    this.#thread = new Worker(new URL(`./thread${extname(import.meta.url)}`, import.meta.url), {
      name: 'pdf',
      // It has no use for the secrets of the environment, nor for the machine's fonts.
      env: { DISABLE_SYSTEM_FONTS_LOAD: '1' },
    })
    this.#thread.on('message', (message: ParserMessage) => this.#hear(message))
    // What ends it before it is ready, such as a package that is missing, is not the file's doing.
    this.#thread.on('error', (error) => this.#fail(this.#isReady ? broken(error) : error))
    this.#thread.on('exit', () => this.#fail(broken()))
  }

  async #parse(data: Uint8Array<ArrayBuffer>, options: ParseOptions): Promise<ParsedPdf> {
    const { signal, draw } = options
    const job: Job = { options, deadline: deadlineOf(options), result: Promise.withResolvers() }
    const stop = () => this.#fail(signal.reason)
    clearTimeout(this.#timer)
    this.#timer = setInterval(() => void this.#look(job), interval)
    this.#thread.ref()
    this.#job = job
    signal.addEventListener('abort', stop)
    this.#thread.postMessage({ data, draw } satisfies ParseRequest, [data.buffer])
    try {
      return await job.result.promise
    } finally {
      this.#job = undefined
      clearInterval(this.#timer)
      signal.removeEventListener('abort', stop)
    }
  }

  #hear(message: ParserMessage): void {
    this.#isReady = true
    const job = this.#job
    if (job === undefined || message.type === 'ready') return
    job.deadline = deadlineOf(job.options)
    switch (message.type) {
      case 'page':
        return job.options.onPage(message.page, message.pages)
      case 'read':
        job.read = message.read
        if (message.read.text !== undefined && job.options.draw) job.options.onDraw()
        return
      case 'done':
        return job.result.resolve({ ...job.read!, preview: message.preview })
      case 'failed':
        // A page that cannot be drawn leaves work and native memory behind, which only the end of the thread ends.
        if (job.read !== undefined) return this.#fail(broken(message.cause))
        return settle(job, broken(message.cause))
    }
  }

  async #look(job: Job): Promise<void> {
    if (performance.now() > job.deadline) {
      this.#fail(fileError('PDF_TIMEOUT', 'Expected pages that are read within seconds, got a slower one'))
    } else if ((await memoryOf(this.#thread)) > maxBytes && this.#job === job) {
      const expected = `Expected a PDF that takes at most ${maxBytes} bytes of memory, got one that takes more`
      this.#fail(fileError('PDF_TOO_COMPLEX', expected))
    }
  }

  /** For the next file, unless it has ended or grown, or there is one already. */
  async #rest(): Promise<void> {
    const bytes = await memoryOf(this.#thread)
    if (this.#hasEnded || bytes > maxIdleBytes || Parser.#idle !== undefined) return this.#end()
    Parser.#idle = this
    this.#thread.unref()
    this.#timer = setTimeout(() => this.#end(), maxIdleSeconds * 1000).unref()
  }

  #fail(reason: unknown): void {
    if (this.#job !== undefined) settle(this.#job, reason)
    this.#end()
  }

  #end(): void {
    if (Parser.#idle === this) Parser.#idle = undefined
    if (this.#hasEnded) return
    this.#hasEnded = true
    clearTimeout(this.#timer)
    void this.#thread.terminate()
  }
}

interface Job {
  options: ParseOptions
  /** Of performance.now(). */
  deadline: number
  result: PromiseWithResolvers<ParsedPdf>
  read?: ReadPdf
}

function deadlineOf({ maxSeconds = 30 }: ParseOptions): number {
  return performance.now() + maxSeconds * 1000
}

/** What fails while the first page is drawn costs no more than the picture. */
function settle({ options, read, result }: Job, reason: unknown): void {
  if (read === undefined || options.signal.aborted) result.reject(reason)
  else result.resolve({ ...read, preview: undefined })
}

/** Bytes; 0 for a thread that has ended. */
async function memoryOf(thread: Worker): Promise<number> {
  const statistics = await thread.getHeapStatistics().catch(() => undefined)
  return statistics === undefined ? 0 : statistics.used_heap_size + statistics.external_memory
}

function broken(cause?: unknown) {
  return fileError('BROKEN_PDF', 'Expected a whole PDF, got one that is truncated or corrupt', cause)
}
