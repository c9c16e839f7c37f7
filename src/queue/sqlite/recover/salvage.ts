import { Damaged, taskRow } from './damaged.ts'
import type { NewFile } from './new-file.ts'
import type { Pages } from './pages.ts'
import type { Value } from './record.ts'
import { mostNamed, type Dropped, type Lost } from './report.ts'
import { isAlias, isAttempt, isReceipt, isStart, nonsense } from './sound.ts'

/** Brings what can be read of a damaged file into a new one. */
export class Salvage {
  readonly dropped: { count: number; tasks: Dropped[] } = { count: 0, tasks: [] }
  /** Something of a queue was found: a task, or the counters of an empty one. */
  found = false
  /** Pages or rows of each table that could not be read. */
  readonly damaged = { tasks: 0, attempts: 0, aliases: 0, rated_starts: 0, totals: 0, receipts: 0 }
  pausedLost = false
  /** Rows may be older than they were. */
  stale = false
  readonly #pages: Pages
  readonly #target: NewFile
  readonly #damaged: Damaged
  readonly #droppedSeqs = new Set<number>()
  readonly #last = { seq: 0, ended: 0 }

  constructor(pages: Pages, target: NewFile) {
    this.#pages = pages
    this.#target = target
    this.#damaged = new Damaged(pages, target.roots)
  }

  /** The last numbers that were given, as far as is known. */
  get last(): { seq: number; ended: number } {
    return this.#last
  }

  run(): void {
    this.#tasks(this.#damaged)
    this.#rest()
    if (!this.#pages.torn) return
    // What the WAL held of before its damage may have rows that were on a page which is gone.
    this.#pages.whole = false
    this.#tasks(new Damaged(this.#pages, this.#target.roots))
    this.#pages.whole = true
    this.stale = true
  }

  /** Tasks that there were and that are neither saved nor dropped. */
  lost(): Lost {
    const { ids } = this.#damaged
    const { seqs, aliases } = this.#target
    if (ids !== undefined) {
      const missing = [...ids].filter(([seq]) => !seqs.has(seq) && !this.#droppedSeqs.has(seq))
      return { count: missing.length, exact: true, ids: missing.slice(0, mostNamed).map(([, id]) => id) }
    }
    if (this.damaged.tasks === 0) return { count: 0, exact: true, ids: [] }
    let [first, last] = [Infinity, this.#last.seq]
    for (const seq of seqs) {
      first = Math.min(first, seq)
      last = Math.max(last, seq)
    }
    const numbers = first === Infinity ? last : last - first + 1
    return { count: Math.max(0, numbers - seqs.size - aliases - this.dropped.count), exact: false, ids: [] }
  }

  /** Groups with a lost turn that had not ended well, with the seq of the first such. */
  troubledGroups(): Map<string, number> {
    const groups = new Map<string, number>()
    for (const [grp, done, seq] of this.#damaged.index('tasks_of_group') ?? []) {
      if (done === 1 || this.#target.seqs.has(seq as number)) continue
      groups.set(grp as string, Math.min(seq as number, groups.get(grp as string) ?? Infinity))
    }
    return groups
  }

  #tasks(damaged: Damaged): void {
    const lost = { tasks: { damaged: 0 }, aliases: { damaged: 0 }, attempts: { damaged: 0 } }
    for (const table of ['tasks', 'aliases', 'attempts'] as const)
      for (const values of damaged.table(table, lost[table])) this.#row(table, values)
    if (Object.values(lost).some((table) => table.damaged > 0)) {
      for (const { table, values } of damaged.strays()) if (lost[table].damaged > 0) this.#row(table, values)
    }
    this.stale ||= damaged.doubtful
    for (const table of ['tasks', 'aliases', 'attempts'] as const) this.damaged[table] += lost[table].damaged
  }

  #row(table: 'tasks' | 'aliases' | 'attempts', values: readonly Value[]): void {
    if (table === 'attempts') {
      if (isAttempt(values)) this.#target.attempt(values)
      else this.damaged.attempts++
    } else if (table === 'aliases') {
      if (isAlias(values)) this.#target.alias(values)
      else this.damaged.aliases++
    } else this.#task(values)
  }

  #task(values: readonly Value[]): void {
    const row = taskRow(values)
    if (row === undefined) return void this.damaged.tasks++
    const seq = row.seq as number
    // A row that a stray page, or an older state of the file, has as well.
    if (this.#target.seqs.has(seq) || this.#droppedSeqs.has(seq)) return
    this.found = true
    const why =
      nonsense(row) ?? (this.#target.task(row) ? undefined : 'another task has its id or unique key')
    if (why === undefined) return
    this.#droppedSeqs.add(seq)
    if (this.dropped.count++ >= mostNamed) return
    this.dropped.tasks.push({ id: shown(row.id), name: shown(row.name), why })
  }

  #rest(): void {
    for (const table of ['rated_starts', 'totals', 'receipts'] as const) {
      const lost = { damaged: 0 }
      for (const values of this.#damaged.table(table, lost)) {
        if (table === 'totals') this.#totals(values)
        else if (table === 'receipts') this.#receipt(values)
        else if (isStart(values)) this.#target.start(values[0] as string, values[1] as number)
      }
      this.damaged[table] += lost.damaged
    }
    const paused = this.#damaged.index('paused_pools')
    this.pausedLost = paused === undefined
    for (const [pool] of paused ?? []) if (typeof pool === 'string') this.#target.pause(pool)
  }

  #receipt(values: readonly Value[]): void {
    if (isReceipt(values)) this.#target.receipt(values)
  }

  #totals(values: readonly Value[]): void {
    const [seq, ended] = values.slice(-2)
    if (values.length !== 11 || !Number.isSafeInteger(seq) || !Number.isSafeInteger(ended)) return
    this.found = true
    Object.assign(this.#last, { seq, ended })
  }
}

/** What of a damaged text can be shown: nothing that a terminal would obey. */
function shown(value: Value): string {
  return typeof value === 'string' ? value.replaceAll(/\p{C}/gu, '?').slice(0, 100) : ''
}
