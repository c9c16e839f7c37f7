import { Coalescer } from './coalescer.ts'
import type { Database } from './database.ts'
import type { Member } from './member.ts'
import type { Statements } from './sql.ts'

/**
 * How often tasks that are watched are looked at, in case that news got lost; how often it is said that they are watched, and
 * for how long whoever heard it remembers; in milliseconds.
 */
const patience = { look: 1_000, say: 10_000, remember: 30_000 }
/** Ids that fit into one NOTIFY, whose text ends at 8,000 bytes. */
const together = 200

/** A task that somebody watches here. */
interface Watched {
  listeners: Set<() => void>
  /** How it looked last. */
  look: string | undefined
}

/**
 * Who watches tasks that other processes change. A process says which ones it watches, and for as long as that is known the
 * others say when they have changed one: so a change costs nothing that nobody watches.
 */
export class Watching {
  readonly #database: Database
  readonly #sql: Statements
  readonly #member: Member
  readonly #watched = new Map<string, Watched>()
  /** Tasks that others watch, and until when that is remembered, on the clock of performance.now(); the oldest first. */
  readonly #elsewhere = new Map<string, number>()
  readonly #says = new Coalescer<string, undefined>((news) => this.#tell(news))
  #timer: NodeJS.Timeout | undefined
  #looks = 0
  #stopped = false

  constructor(database: Database, sql: Statements, member: Member) {
    this.#database = database
    this.#sql = sql
    this.#member = member
  }

  /** Calls `changed` when another process may have changed the task, until the function it gives back is called. */
  watch(id: string, changed: () => void): () => void {
    const watched = this.#watched.get(id) ?? this.#begin(id)
    // One that is the same as another's is still its own.
    const listener = (): void => changed()
    watched.listeners.add(listener)
    return () => {
      if (watched.listeners.delete(listener) && watched.listeners.size === 0) this.#watched.delete(id)
    }
  }

  /** This process has changed these tasks. */
  changed(ids: Iterable<string>): void {
    if (this.#elsewhere.size === 0) return
    const now = performance.now()
    for (const id of ids) if ((this.#elsewhere.get(id) ?? 0) > now) this.#say(`t${id}`)
  }

  /** `w:5:ID,ID`: process 5 watches these; `t:5:ID,ID`: it has changed these. */
  heard(what: string): void {
    const [kind, process, ids = ''] = what.split(':')
    // What this one changes, its own events tell.
    if (Number(process) === this.#member.process) return
    for (const id of ids.split(',')) {
      if (kind === 'w') this.#remember(id)
      else this.#changed(id)
    }
  }

  stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    return this.#says.idle()
  }

  #begin(id: string): Watched {
    const watched: Watched = { listeners: new Set(), look: undefined }
    this.#watched.set(id, watched)
    this.#say(`w${id}`)
    this.#later()
    return watched
  }

  #remember(id: string): void {
    const now = performance.now()
    for (const [old, until] of this.#elsewhere) {
      if (until > now) break
      this.#elsewhere.delete(old)
    }
    this.#elsewhere.delete(id)
    this.#elsewhere.set(id, now + patience.remember)
  }

  #changed(id: string): void {
    for (const listener of this.#watched.get(id)?.listeners ?? []) listener()
  }

  #later(): void {
    if (this.#stopped || this.#watched.size === 0) return
    this.#timer ??= setTimeout(() => {
      // What cannot be seen now is seen later.
      void this.#look()
        .catch(() => {})
        .then(() => {
          this.#timer = undefined
          this.#later()
        })
    }, patience.look)
  }

  async #look(): Promise<void> {
    const ids = [...this.#watched.keys()]
    if (ids.length === 0) return
    if (++this.#looks % (patience.say / patience.look) === 0) for (const id of ids) this.#say(`w${id}`)
    const rows = await this.#database.run<{ id: string; look: string }>(this.#sql.watched, [ids])
    const looks = new Map(rows.map(({ id, look }) => [id, look]))
    for (const id of ids) {
      const watched = this.#watched.get(id)
      // One that is gone looks like nothing.
      const look = looks.get(id) ?? ''
      if (watched === undefined || watched.look === look) continue
      watched.look = look
      this.#changed(id)
    }
  }

  /** What is not said is seen by a look. */
  #say(news: string): void {
    if (!this.#stopped) this.#says.ask(news).catch(() => {})
  }

  async #tell(news: readonly string[]): Promise<undefined[]> {
    const texts: string[] = []
    for (const kind of ['w', 't']) {
      const ids = [...new Set(news.filter((one) => one.startsWith(kind)))].map((one) => one.slice(1))
      for (let at = 0; at < ids.length; at += together)
        texts.push(`${kind}:${this.#member.process}:${ids.slice(at, at + together).join()}`)
    }
    await this.#database.run(this.#sql.tellAll, [texts])
    return []
  }
}
