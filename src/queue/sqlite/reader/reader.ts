import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { StoredFile } from '../../../core/stored-file.ts'
import type { TaskRecord, TaskState } from '../../../core/task.ts'
import type { FileUse } from '../../queue.ts'
import type { Question } from '../message.ts'
import { toRecord, type RecordRow } from '../row.ts'
import { listSql, readerSql, rowState } from '../sql.ts'

/** Answers questions about the tasks, over a connection that cannot write. */
export class Reader {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(file: string) {
    this.#database = new DatabaseSync(file, { readOnly: true })
    this.#database.exec('PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY')
  }

  answer(question: Question): unknown {
    switch (question.ask) {
      case 'get':
        return this.#get(question.id)
      case 'list':
        return this.#list(question)
      case 'file':
        return this.#file(question.id)
      case 'oldest':
        return this.#oldest()
      case 'receipt':
        return this.#statement(readerSql.receipt).get(question.key, question.now)
    }
  }

  close(): void {
    this.#database.close()
  }

  #get(id: string): TaskRecord | undefined {
    const row = this.#statement(readerSql.get).get(id) ?? this.#statement(readerSql.aliased).get(id)
    return row && toRecord(row as unknown as RecordRow)
  }

  #list({ state, name, cursor, limit }: Extract<Question, { ask: 'list' }>): TaskRecord[] {
    const sql = listSql(state as TaskState | undefined, name !== undefined, cursor !== undefined)
    const values = [name, cursor].filter((value) => value !== undefined)
    const rows = this.#statement(sql).all(...values, limit)
    return (rows as unknown as RecordRow[]).map(toRecord)
  }

  #file(id: string): FileUse | undefined {
    const rows = this.#statement(readerSql.file).all(id) as unknown as {
      files: string
      state: number
      ended_at: number | null
    }[]
    const [first] = rows
    if (first === undefined) return undefined
    const file = (JSON.parse(first.files) as StoredFile[]).find((stored) => stored.id === id)!
    const inUse = rows.some(({ state }) => state < rowState.succeeded || state === rowState.failed)
    const ends = rows.map(({ ended_at }) => ended_at)
    return { file, inUse, endedAt: ends.includes(null) ? null : Math.max(...(ends as number[])) }
  }

  #oldest(): number | null {
    const ready = this.#statement(readerSql.oldestReady)
    const held = this.#statement(readerSql.oldestHeld).get() as { added_at: number } | undefined
    let oldest = held?.added_at ?? Infinity
    let [pool, name, rank] = ['', '', 0]
    for (;;) {
      const next = ready.get(pool, name, rank) as unknown as OldestReady | undefined
      if (next === undefined) return oldest === Infinity ? null : oldest
      oldest = Math.min(oldest, next.added_at)
      ;({ pool, name, rank } = next)
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) this.#statements.set(sql, (statement = this.#database.prepare(sql)))
    return statement
  }
}

interface OldestReady {
  pool: string
  name: string
  rank: number
  added_at: number
}
