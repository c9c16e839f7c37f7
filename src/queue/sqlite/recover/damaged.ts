import { taskColumns } from '../sql.ts'
import type { Pages } from './pages.ts'
import type { Value } from './record.ts'
import type { TaskRow } from './sound.ts'
import { freePages, Tree } from './tree.ts'

/** Tables whose rows are saved, told apart by their number of columns where no tree leads to them. */
const columns = { tasks: taskColumns.length, aliases: 7, attempts: 3 } as const
export type Table = keyof typeof columns

/** The tables of a damaged file. SQLite gives up a whole tree when one of its inner pages is damaged; this does not. */
export class Damaged {
  /** Rows were taken from pages that may hold nothing but leavings. */
  doubtful = false
  readonly #pages: Pages
  readonly #roots: Map<string, number>
  readonly #free: ReadonlySet<number>
  readonly #freeComplete: boolean
  readonly #reached = new Set<number>()
  #ids: { complete: boolean; bySeq: Map<number, string> } | undefined

  /** `usualRoots` are the first pages of tables and indexes of a new file, which never move. */
  constructor(pages: Pages, usualRoots: ReadonlyMap<string, number>) {
    this.#pages = pages
    const { free, complete } = freePages(pages)
    this.#free = free
    this.#freeComplete = complete
    this.#roots = new Map(usualRoots)
    const schema = new Tree(pages, 1, 'table', free)
    for (const { values } of schema.rows()) {
      const [, name, , root] = values
      if (usualRoots.has(name as string) && Number.isSafeInteger(root))
        this.#roots.set(name as string, root as number)
    }
    for (const page of schema.reached) this.#reached.add(page)
  }

  /** The rows of a table, and what of it could not be read. */
  *table(
    name: Table | 'rated_starts' | 'totals' | 'receipts',
    lost: { damaged: number },
  ): Generator<Value[]> {
    const tree = this.#tree(name, 'table')
    for (const { key, values } of tree.rows()) yield keyed(name, key, values)
    for (const page of tree.reached) this.#reached.add(page)
    lost.damaged += tree.damaged
  }

  /** The entries of an index, or of a table without rowids; undefined unless all can be read. */
  index(name: string): Value[][] | undefined {
    const tree = this.#tree(name, 'index')
    const entries = Array.from(tree.rows(), ({ values }) => values)
    return tree.damaged === 0 ? entries : undefined
  }

  /** The ids of all tasks, by the index of them; undefined unless all can be read. */
  get ids(): ReadonlyMap<number, string> | undefined {
    if (this.#ids === undefined) {
      const entries = this.index('tasks_by_id')
      const bySeq = new Map(entries?.map(([id, seq]) => [seq as number, id as string]))
      this.#ids = { complete: entries !== undefined, bySeq }
    }
    return this.#ids.complete ? this.#ids.bySeq : undefined
  }

  /**
   * Rows on pages that no tree leads to any more, to be asked for once all tables were read. Pages that were given
   * back hold leavings, which the index of the ids does not know.
   */
  *strays(): Generator<{ table: Table; values: Value[] }> {
    const leaves = new Tree(this.#pages, 1, 'table', this.#free)
    for (let page = 2; page <= this.#pages.count; page++) {
      if (this.#reached.has(page) || this.#free.has(page)) continue
      for (const { key, values } of leaves.loose(page)) {
        const table = (Object.keys(columns) as Table[]).find((name) => columns[name] === values.length)
        if (table === undefined) continue
        const row = keyed(table, key, values)
        if (table === 'tasks' && this.ids !== undefined && this.ids.get(key) !== row[1]) continue
        if (this.ids === undefined && !this.#freeComplete) this.doubtful = true
        yield { table, values: row }
      }
    }
  }

  #tree(name: string, type: 'table' | 'index'): Tree {
    return new Tree(this.#pages, this.#roots.get(name) ?? 0, type, this.#free)
  }
}

/** The key of a row is its first column, where it has such a one. */
function keyed(table: string, key: number, values: Value[]): Value[] {
  return table === 'rated_starts' || table === 'receipts' ? values : [key, ...values.slice(1)]
}

/** A row of `tasks` by its columns; undefined where it has others. */
export function taskRow(values: readonly Value[]): TaskRow | undefined {
  if (values.length !== taskColumns.length) return undefined
  return Object.fromEntries(taskColumns.map((column, index) => [column, values[index]])) as TaskRow
}
