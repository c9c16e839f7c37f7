import type { Receipt } from '../../core/receipt.ts'
import type { Progress, TaskRecord, TaskState } from '../../core/task.ts'
import type { FileUse, ListFilter, Records } from '../queue.ts'
import type { StoreLink } from './link.ts'
import type { ReaderLink } from './reader/link.ts'

/** What can be asked of the tasks: read by a thread of its own once all that was stored before can be seen. */
export class SqliteRecords implements Records {
  readonly #link: StoreLink
  readonly #reader: ReaderLink
  readonly #progress: (id: string) => Progress | null
  readonly #clock: () => number

  /** `progress` knows how far a running task is, which is nowhere on disk. */
  constructor(
    link: StoreLink,
    reader: ReaderLink,
    clock: () => number,
    progress: (id: string) => Progress | null,
  ) {
    this.#link = link
    this.#reader = reader
    this.#progress = progress
    this.#clock = clock
  }

  async get(id: string): Promise<TaskRecord | undefined> {
    await this.#link.settled()
    const record = await this.#reader.ask<TaskRecord | undefined>({ ask: 'get', id })
    return record && this.#withProgress(record)
  }

  async list({ state, name, cursor, limit }: ListFilter): Promise<TaskRecord[]> {
    await this.#link.settled()
    const filter = {
      ...(state !== undefined && { state }),
      ...(name !== undefined && { name }),
      ...(cursor !== undefined && { cursor }),
    }
    const records = await this.#reader.ask<TaskRecord[]>({ ask: 'list', ...filter, limit })
    return records.map((record) => this.#withProgress(record))
  }

  async counters(): Promise<Record<TaskState, number>> {
    await this.#link.settled()
    const [queued, scheduled, running, succeeded, failed, cancelled] = this.#link.totals as number[]
    return { queued, scheduled, running, succeeded, failed, cancelled } as Record<TaskState, number>
  }

  async file(id: string): Promise<FileUse | undefined> {
    await this.#link.settled()
    return await this.#reader.ask({ ask: 'file', id })
  }

  async oldest(): Promise<number | null> {
    await this.#link.settled()
    return await this.#reader.ask({ ask: 'oldest' })
  }

  async receipt(key: string): Promise<Pick<Receipt, 'fingerprint' | 'answer'> | undefined> {
    await this.#link.settled()
    return await this.#reader.ask({ ask: 'receipt', key, now: this.#clock() })
  }

  #withProgress(record: TaskRecord): TaskRecord {
    return record.state === 'running' ? { ...record, progress: this.#progress(record.id) } : record
  }
}
