import { hasEnded } from '../core/task.ts'
import type { Entry, Group, Turn } from './entry.ts'

interface Callbacks {
  /** A task's turn has come. */
  offer(entry: Entry): void
  /** A task's turn would have come, but an earlier one did not succeed and it runs only if all do. */
  cancel(entry: Entry, at: number): void
}

/** The order within requests: the tasks of a group have their turns one after the other. */
export class Groups {
  readonly #callbacks: Callbacks
  readonly #groups = new Map<string, Group>()
  readonly #aliases = new Map<string, Turn>()
  /** Turns of other groups that wait for a task, by that task. */
  readonly #followers = new Map<Entry, Turn[]>()
  readonly #aliasesOf = new Map<Entry, string[]>()
  /** Groups whose head may have changed; advance() looks at them, so that no chain of groups nests calls. */
  #changed: Group[] = []

  constructor(callbacks: Callbacks) {
    this.#callbacks = callbacks
  }

  /** Appends a task, or the alias of one, to a group; null is a new one that nobody else can join. */
  join(id: string | null, entry: Entry, { held, alias }: { held: boolean; alias: string | undefined }): Turn {
    let group = id === null ? undefined : this.#groups.get(id)
    if (group === undefined) {
      group = { id, turns: [], first: 0, troubled: false }
      if (id !== null) this.#groups.set(id, group)
    }
    const turn: Turn = { entry, group, alias, held, reached: false, done: undefined }
    group.turns.push(turn)
    if (alias !== undefined) {
      this.#aliases.set(alias, turn)
      append(this.#aliasesOf, entry, alias)
    }
    this.#changed.push(group)
    return turn
  }

  /** The task that an alias stands for. */
  aliased(id: string): Entry | undefined {
    return this.#aliases.get(id)?.entry
  }

  /** Lets the turn of a held task or alias come; an id that is unknown or not held is passed over. */
  release(id: string, turn: Turn | undefined = this.#aliases.get(id)): void {
    if (turn === undefined || !turn.held) return
    turn.held = false
    this.#changed.push(turn.group)
  }

  /** The turn of a held task, or of an alias, as though it had never been. */
  discard(id: string, turn: Turn | undefined = this.#aliases.get(id)): void {
    if (turn === undefined) return
    turn.held = false
    turn.done = 'well'
    this.#aliases.delete(id)
    this.#changed.push(turn.group)
  }

  hasAliases(entry: Entry): boolean {
    return (this.#aliasesOf.get(entry)?.length ?? 0) > 0
  }

  /** A task has ended: its group goes on, and so do those that wait for it. */
  ended(entry: Entry): void {
    entry.turn.done = entry.record.state === 'succeeded' ? 'well' : 'badly'
    this.#changed.push(entry.turn.group)
    for (const turn of this.#followers.get(entry) ?? []) this.#changed.push(turn.group)
    this.#followers.delete(entry)
  }

  forget(entry: Entry): void {
    for (const alias of this.#aliasesOf.get(entry) ?? []) {
      this.#drop(this.#aliases.get(alias)?.group)
      this.#aliases.delete(alias)
    }
    this.#aliasesOf.delete(entry)
    this.#drop(this.#groups.get(entry.record.group))
  }

  /** Gives every changed group its next turn. */
  advance(at: number): void {
    for (let group = this.#changed.pop(); group !== undefined; group = this.#changed.pop())
      this.#advance(group, at)
  }

  #advance(group: Group, at: number): void {
    for (;;) {
      const turn = group.turns[group.first]
      if (turn === undefined) return this.#close(group)
      if (turn.alias !== undefined && !turn.held && hasEnded(turn.entry.record.state)) {
        turn.done ??= turn.entry.record.state === 'succeeded' ? 'well' : 'badly'
      }
      if (turn.done !== undefined) {
        group.troubled ||= turn.done === 'badly'
        group.turns[group.first++] = undefined as never
      } else if (turn.held || turn.reached) return
      else if (turn.alias === undefined && group.troubled && turn.entry.task.options.onlyAfterSuccess) {
        this.#callbacks.cancel(turn.entry, at)
      } else {
        turn.reached = true
        if (turn.alias === undefined) this.#callbacks.offer(turn.entry)
        else append(this.#followers, turn.entry, turn)
        return
      }
    }
  }

  /** A group in which one did not succeed is remembered with its tasks, for more may join it. */
  #close(group: Group): void {
    group.turns = []
    group.first = 0
    if (!group.troubled) this.#drop(group)
  }

  #drop(group: Group | undefined): void {
    if (group === undefined || group.id === null || group.turns.length > 0) return
    if (this.#groups.get(group.id) === group) this.#groups.delete(group.id)
  }
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}
