import type { Pages } from './pages.ts'
import { readRecord, varint, type Value } from './record.ts'

/** The first byte of a page of a b-tree (https://sqlite.org/fileformat2.html, 1.6). */
const kind = { indexInterior: 2, tableInterior: 5, indexLeaf: 10, tableLeaf: 13 } as const

/** A row of a table, or an entry of an index, which has no key. */
export interface Row {
  key: number
  values: Value[]
}

interface Place {
  page: number
  /** The keys on it are above this, and at most the other. */
  above: number
  most: number
}

interface Layout {
  type: number
  cells: number[]
  right: number
}

/** One table or index, read page by page; what cannot be read is passed over and counted. */
export class Tree {
  /** Pages that were found sound, overflow pages apart. */
  readonly reached = new Set<number>()
  /** Pages and single rows that could not be read. */
  damaged = 0
  readonly #pages: Pages
  readonly #root: number
  readonly #table: boolean
  readonly #free: ReadonlySet<number>

  /** `free` are the pages that hold nothing, only leavings. */
  constructor(pages: Pages, root: number, type: 'table' | 'index', free: ReadonlySet<number>) {
    this.#pages = pages
    this.#root = root
    this.#table = type === 'table'
    this.#free = free
  }

  /** What can be read, in the order of the keys. */
  *rows(): Generator<Row> {
    const places: Place[] = [{ page: this.#root, above: -Infinity, most: Infinity }]
    for (let place = places.pop(); place !== undefined; place = places.pop()) {
      const content = this.#free.has(place.page) ? undefined : this.#pages.read(place.page)
      const layout = content && layoutOf(content, place.page)
      if (layout === undefined || this.reached.has(place.page) || this.#table !== isTable(layout)) {
        this.damaged++
        continue
      }
      this.reached.add(place.page)
      if (layout.type === kind.tableLeaf || layout.type === kind.indexLeaf) {
        yield* this.#leaf(content!, layout, place)
      } else yield* this.#interior(content!, layout, place, places)
    }
  }

  /** The rows of one page, whatever tree it belongs to; none where it is no leaf of a table. */
  *loose(page: number): Generator<Row> {
    const content = this.#pages.read(page)
    const layout = content && layoutOf(content, page)
    if (layout?.type === kind.tableLeaf)
      yield* this.#leaf(content!, layout, { page, above: -Infinity, most: Infinity })
  }

  *#leaf(content: Buffer, { cells }: Layout, { above, most }: Place): Generator<Row> {
    for (const at of cells) {
      const row = this.#cell(content, at)
      // Keys out of their place come of a pointer that leads astray.
      if (row === undefined || (this.#table && (row.key <= above || row.key > most))) this.damaged++
      else yield row
    }
  }

  *#interior(content: Buffer, { cells, right }: Layout, place: Place, places: Place[]): Generator<Row> {
    const children: Place[] = []
    let above = place.above
    for (const at of cells) {
      const page = at + 4 <= content.length ? content.readUInt32BE(at) : 0
      const key = this.#table ? varint(content, at + 4)?.value : undefined
      if (this.#table && (key === undefined || key <= above || key > place.most)) {
        this.damaged++
        continue
      }
      children.push({ page, above, most: key ?? Infinity })
      if (key !== undefined) above = key
      if (this.#table) continue
      const entry = this.#cell(content, at + 4)
      if (entry === undefined) this.damaged++
      else yield entry
    }
    children.push({ page: right, above, most: place.most })
    places.push(...children.reverse())
  }

  #cell(content: Buffer, at: number): Row | undefined {
    const length = varint(content, at)
    const key = this.#table ? length && varint(content, length.next) : { value: 0, next: length?.next ?? 0 }
    if (length === undefined || key === undefined || length.value === 0) return undefined
    const payload = this.#payload(content, key.next, length.value)
    const values = payload && readRecord(payload)
    return values && { key: key.value, values }
  }

  /** What does not fit a page goes on in a chain of others. */
  #payload(content: Buffer, at: number, length: number): Buffer | undefined {
    const { size, count } = this.#pages
    const most = this.#table ? size - 35 : Math.floor(((size - 12) * 64) / 255) - 23
    if (length <= most) return at + length <= size ? content.subarray(at, at + length) : undefined
    if (length > count * size) return undefined
    const least = Math.floor(((size - 12) * 32) / 255) - 23
    const fitting = least + ((length - least) % (size - 4))
    const local = fitting <= most ? fitting : least
    if (at + local + 4 > size) return undefined
    const parts = [content.subarray(at, at + local)]
    let next = content.readUInt32BE(at + local)
    for (let left = length - local; left > 0; left -= size - 4) {
      const page = this.#free.has(next) ? undefined : this.#pages.read(next)
      if (page === undefined) return undefined
      parts.push(page.subarray(4, 4 + Math.min(left, size - 4)))
      next = page.readUInt32BE(0)
    }
    return next === 0 ? Buffer.concat(parts, length) : undefined
  }
}

function isTable({ type }: Layout): boolean {
  return type === kind.tableLeaf || type === kind.tableInterior
}

/** Where the cells of a page are; undefined for a page that is none of a tree. */
function layoutOf(content: Buffer, page: number): Layout | undefined {
  // The first page begins with the header of the file.
  const start = page === 1 ? 100 : 0
  const type = content[start]!
  if (!(Object.values(kind) as number[]).includes(type)) return undefined
  const interior = type === kind.indexInterior || type === kind.tableInterior
  const first = start + (interior ? 12 : 8)
  const count = content.readUInt16BE(start + 3)
  if (first + 2 * count > content.length) return undefined
  const cells = Array.from({ length: count }, (_, index) => content.readUInt16BE(first + 2 * index))
  return { type, cells, right: interior ? content.readUInt32BE(start + 8) : 0 }
}

/** The pages that hold nothing; `complete` when all of the list could be read. */
export function freePages(pages: Pages): { free: Set<number>; complete: boolean } {
  const free = new Set<number>()
  const { first, count } = pages.header?.freelist ?? { first: 0, count: Infinity }
  for (let trunk = first; trunk !== 0 && !free.has(trunk);) {
    const content = pages.read(trunk)
    const leaves = content?.readUInt32BE(4) ?? Infinity
    if (content === undefined || 8 + 4 * leaves > content.length) break
    free.add(trunk)
    for (let index = 0; index < leaves; index++) free.add(content.readUInt32BE(8 + 4 * index))
    trunk = content.readUInt32BE(0)
  }
  // A list that leads astray may name pages that are in use.
  return free.size === count ? { free, complete: true } : { free: new Set(), complete: false }
}
