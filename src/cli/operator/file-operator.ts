import { setImmediate as turn } from 'node:timers/promises'
import { AfterworkError } from '../../core/errors.ts'
import type { TaskRecord } from '../../core/task.ts'
import { changeQueue, readQueue, type Changing, type Reading } from '../../queue/sqlite/at-rest/entry.ts'
import { taskDocument, wholeTaskDocument } from '../../service/task-document.ts'
import { detailsOf, statsOf } from './direct.ts'
import type {
  Action,
  Changed,
  DirectOperator,
  Filter,
  Page,
  ShownPool,
  ShownTask,
  Stats,
  TaskDetails,
} from './operator.ts'

/** Tasks that one transaction changes. */
const atOnce = 500

/** Works on the file of the queue itself. It reads whoever has the file, and changes it only where nobody does. */
export class FileOperator implements DirectOperator {
  readonly source: string
  /** Why a change is refused though nothing is wrong with it, for a person; the lock decides. */
  readonly #unanswered: string | undefined
  readonly #reading: Reading

  private constructor(file: string, reading: Reading, unanswered: string | undefined) {
    this.source = file
    this.#reading = reading
    this.#unanswered = unanswered
  }

  /** @throws AFTERWORK_QUEUE_UNUSABLE, AFTERWORK_QUEUE_CORRUPT */
  static async open(file: string, unanswered?: string): Promise<FileOperator> {
    return new FileOperator(file, await readQueue(file), unanswered)
  }

  async list(filter: Filter): Promise<Page> {
    const found = this.#reading.list({ ...filter, limit: filter.limit + 1 })
    const page = found.slice(0, filter.limit)
    return {
      tasks: page.map((record) => taskDocument(record, '')),
      next: found.length > page.length ? page.at(-1)!.id : null,
    }
  }

  async get(id: string): Promise<ShownTask> {
    return wholeTaskDocument(this.#existing(id), '')
  }

  async details(id: string): Promise<TaskDetails> {
    return detailsOf(this.#existing(id))
  }

  async change(action: Action, ids: readonly string[]): Promise<Changed[]> {
    const changing = await this.#lock()
    try {
      const changed: Changed[] = []
      for (let first = 0; first < ids.length; first += atOnce) {
        // So that Ctrl-C is heard between two transactions.
        if (first > 0) await turn()
        const some = ids.slice(first, first + atOnce)
        const results = action === 'cancel' ? changing.cancel(some, Date.now()) : changing[action](some)
        results.forEach((result, place) => {
          const id = some[place]!
          changed.push(
            'error' in result
              ? { id, done: false, code: result.error.code, message: result.error.message }
              : { id, done: true, state: result.record?.state ?? null },
          )
        })
      }
      return changed
    } finally {
      changing.close()
    }
  }

  async stats(): Promise<Stats> {
    return statsOf(this.#reading.counters(), this.#reading.oldest())
  }

  async flow(): Promise<{ added: number; ended: number }> {
    return this.#reading.flow()
  }

  pools(): Promise<ShownPool[]> {
    return Promise.reject(this.#noPools())
  }

  switchPool(): Promise<ShownPool> {
    return Promise.reject(this.#noPools())
  }

  resizePool(): Promise<ShownPool> {
    return Promise.reject(this.#noPools())
  }

  close(): void {
    this.#reading.close()
  }

  async #lock(): Promise<Changing> {
    try {
      return await changeQueue(this.source)
    } catch (error) {
      const inUse = error instanceof AfterworkError && error.code === 'AFTERWORK_QUEUE_IN_USE'
      if (!inUse || this.#unanswered === undefined) throw error
      throw new AfterworkError('AFTERWORK_QUEUE_IN_USE', `Nothing was changed: ${this.#unanswered}`, {
        cause: error,
      })
    }
  }

  #existing(id: string): TaskRecord {
    const record = this.#reading.get(id)
    if (record !== undefined) return record
    throw new AfterworkError('AFTERWORK_TASK_NOT_FOUND', `There is no task ${id.slice(0, 64)}`)
  }

  #noPools(): AfterworkError {
    const why = this.#unanswered ?? `no service runs on ${this.source}`
    return new AfterworkError('AFTERWORK_NO_SERVICE', `Pools are threads of a running service: ${why}`)
  }
}
