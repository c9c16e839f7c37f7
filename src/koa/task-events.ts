import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { hasEnded, type TaskRecord } from '../core/task.ts'
import type { TaskDocument } from './task-document.ts'

/** A comment that often keeps a proxy from closing a silent connection, in milliseconds. */
const heartbeat = 15_000

/** Where a stream gets its task from. */
export interface TaskSource {
  get(): Promise<TaskRecord | undefined>
  watch(changed: () => void): () => void
  document(record: TaskRecord): TaskDocument
}

/** Tells one look of a task from another; a client gives the last one it saw as Last-Event-ID, so it is short. */
export function versionOf({ state, attempt, progress, runAt }: TaskRecord): string {
  const look = JSON.stringify([progress?.fraction, progress?.message, runAt])
  return `${state}.${attempt}.${createHash('sha256').update(look).digest('base64url')}`
}

/**
 * Server-sent events of one task: its document as it is now and after each change, until it has ended. A slow reader
 * gets the newest document when it is ready for one; those between are skipped, never queued.
 */
export class TaskEvents extends Readable {
  readonly #source: TaskSource
  readonly #unwatch: () => void
  readonly #timer: NodeJS.Timeout
  #seen: string
  #wanted = false
  #changed = true
  #sending = false

  /** `seen` is the version that the client has already. */
  constructor(source: TaskSource, seen: string) {
    super()
    this.#source = source
    this.#seen = seen
    this.#unwatch = source.watch(() => {
      this.#changed = true
      void this.#send()
    })
    this.#timer = setInterval(() => this.#wanted && this.push(': still here\n\n'), heartbeat).unref()
  }

  override _read(): void {
    this.#wanted = true
    void this.#send()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearInterval(this.#timer)
    this.#unwatch()
    done(error)
  }

  async #send(): Promise<void> {
    if (!this.#wanted || !this.#changed || this.#sending || this.destroyed) return
    this.#sending = true
    this.#changed = false
    try {
      const record = await this.#source.get()
      if (record === undefined) this.#end()
      else this.#show(record)
    } catch (error) {
      this.destroy(error as Error)
    } finally {
      this.#sending = false
    }
    void this.#send()
  }

  #show(record: TaskRecord): void {
    if (this.destroyed) return
    const version = versionOf(record)
    if (version !== this.#seen) {
      this.#seen = version
      this.#wanted = this.push(frame(version, record.state, this.#source.document(record)))
    }
    if (hasEnded(record.state)) this.#end()
  }

  /** A slow reader may take long to read the rest; nothing that happens meanwhile can be added. */
  #end(): void {
    this.#wanted = false
    this.push(null)
  }
}

function frame(id: string, state: string, document: TaskDocument): string {
  const event = state === 'running' && document.progress !== null ? 'progress' : 'state'
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(document)}\n\n`
}
