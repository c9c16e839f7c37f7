import { hasEnded, type NewTask, type TaskState } from '../../src/core/task.ts'
import type { QueueBounds, Settlement } from '../../src/queue/queue.ts'
import { admits, bytesOf, keyOf, newItem, offer, slotsOf, unclaim, type Item, type Turn } from './item.ts'

/** What an engine promises, in the plainest way: no heaps, no indexes, everything looked at each time. */
export class Model {
  /** Oldest first. */
  readonly items: Item[] = []
  /** By id, and by alias. */
  readonly byId = new Map<string, Item>()
  readonly paused = new Set<string>()
  /** Ids of the tasks that were cancelled without having run, since this was last emptied. */
  cancelled: string[] = []
  /** Ids of the tasks that ended and have an `onEnded`, since this was last emptied. */
  ended: string[] = []
  readonly #bounds: QueueBounds
  readonly #groups = new Map<string, Turn[]>()

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds
  }

  /** False when the queue is full. */
  add(tasks: readonly NewTask[], { held, unbounded }: { held: boolean; unbounded: boolean }): boolean {
    const keys = new Set(this.#live().map(({ task }) => keyOf(task)))
    const counting = tasks.filter((task) => {
      const key = keyOf(task)
      return key === null || (!keys.has(key) && keys.add(key))
    })
    const all = [...this.#live().map(({ task }) => task), ...counting]
    const fits = all.length <= this.#bounds.maxTasks && bytesOf(all) <= this.#bounds.maxBytes
    if (!unbounded && counting.length > 0 && !fits) return false
    for (const task of tasks) this.#insert(task, held)
    this.#advance()
    return true
  }

  /** The engine has added the `onEnded` task of another. */
  adopt(task: NewTask): void {
    this.#insert(task, false)
    this.#advance()
  }

  release(ids: readonly string[]): void {
    for (const turn of [...this.#groups.values()].flat()) turn.held &&= !ids.includes(turn.id)
    this.#advance()
  }

  /** What can be claimed now, in this order; of those with the option `batch` an engine may take fewer. */
  claimable(pool: string, slots = Infinity): Item[] {
    if (this.paused.has(pool)) return []
    const claimable: Item[] = []
    const waiting = this.items.filter(
      ({ task, state, turn, claimed }) =>
        task.options.pool === pool && state === 'queued' && turn.reached && !claimed,
    )
    for (const item of waiting.toSorted((a, b) => b.task.options.priority - a.task.options.priority)) {
      if (!admits(item, this.items, claimable)) continue
      if (slotsOf([...claimable, item]) > slots) break
      claimable.push(item)
    }
    return claimable
  }

  claim(items: readonly Item[]): void {
    for (const item of items) {
      item.claimed = true
      item.starts++
    }
  }

  /** The ids of those that run from now on. */
  start(ids: readonly string[]): string[] {
    return ids.filter((id) => {
      const item = this.items.find(({ task, claimed }) => task.id === id && claimed)
      if (item === undefined) return false
      Object.assign(item, { claimed: false, state: 'running', attempt: item.attempt + 1 })
      return true
    })
  }

  giveBack(ids: readonly string[]): void {
    for (const item of this.items) if (item.claimed && ids.includes(item.task.id)) unclaim(item)
  }

  record(id: string, attempt: number, settlement: Settlement, followUps: readonly NewTask[]): boolean {
    const item = this.items.find(({ task }) => task.id === id)
    if (item?.state !== 'running' || item.attempt !== attempt) return false
    item.suspect = settlement.state === 'queued' && settlement.suspect === true
    if (settlement.state === 'scheduled') item.failures++
    if (settlement.state === 'scheduled' || settlement.state === 'queued') {
      item.far = settlement.state === 'scheduled' && settlement.runAt > Date.now()
      offer(item)
    } else {
      const code = settlement.state === 'succeeded' ? undefined : settlement.failure.code
      this.#end(item, settlement.state, code)
    }
    for (const task of followUps) this.#insert(task, false)
    this.#advance()
    return true
  }

  /** Whether a running task is asked to stop, or the code of the error. */
  cancel(id: string): boolean | string {
    const item = this.byId.get(id)
    if (item === undefined) return 'AFTERWORK_TASK_NOT_FOUND'
    if (hasEnded(item.state)) return 'AFTERWORK_CONFLICT'
    if (item.state === 'running') return true
    if (item.claimed) unclaim(item)
    this.#cancel(item, 'AFTERWORK_CANCELLED')
    this.#advance()
    return false
  }

  /** The code of the error, if there is one. */
  retry(id: string): string | undefined {
    const item = this.byId.get(id)
    if (item === undefined) return 'AFTERWORK_TASK_NOT_FOUND'
    if (item.state !== 'failed' && item.state !== 'cancelled') return 'AFTERWORK_CONFLICT'
    const key = keyOf(item.task)
    if (key !== null && this.#live().some(({ task }) => keyOf(task) === key)) return 'AFTERWORK_CONFLICT'
    Object.assign(item, { failures: 0, far: false, code: undefined })
    item.turn = { id, item, held: false, reached: true }
    return offer(item)
  }

  /** The process dies and another takes over: the held are released, the claimed go back, the running run again. */
  crash(): void {
    for (const item of this.items) {
      if (item.claimed) unclaim(item)
      if (item.state === 'running') Object.assign(item, { state: 'queued', suspect: true })
    }
    this.release([...this.byId.keys()])
  }

  /** How many tasks are in a state. */
  count(state: TaskState): number {
    return this.items.filter((item) => item.state === state).length
  }

  #live(): Item[] {
    return this.items.filter(({ state }) => !hasEnded(state))
  }

  #insert(task: NewTask, held: boolean): void {
    const key = keyOf(task)
    const living = key === null ? undefined : this.#live().find((item) => keyOf(item.task) === key)
    const item = living ?? newItem(task)
    const turn = { id: task.id, item, held, reached: false }
    if (living === undefined) {
      item.turn = turn
      this.items.push(item)
    }
    this.byId.set(task.id, item)
    this.#groups.set(task.group, [...(this.#groups.get(task.group) ?? []), turn])
  }

  /** Gives every group its next turn, until nothing moves any more. */
  #advance(): void {
    for (let moved = true; moved;) {
      moved = Array.from(this.#groups.values(), (turns) => this.#turn(turns)).includes(true)
    }
  }

  /** Whether a task of this group was cancelled, which may move others. */
  #turn(turns: Turn[]): boolean {
    let troubled = false
    for (const turn of turns) {
      const { item } = turn
      const alias = turn.id !== item.task.id
      if (alias && !turn.held && hasEnded(item.state))
        turn.done ??= item.state === 'succeeded' ? 'well' : 'badly'
      if (turn.done === undefined) {
        if (turn.held || turn.reached || alias) return false
        if (troubled && item.task.options.onlyAfterSuccess) {
          this.#cancel(item, 'AFTERWORK_PREDECESSOR_FAILED')
          return true
        }
        turn.reached = true
        offer(item)
        return false
      }
      troubled ||= turn.done === 'badly'
    }
    return false
  }

  #cancel(item: Item, code: string): void {
    this.#end(item, 'cancelled', code)
    this.cancelled.push(item.task.id)
  }

  #end(item: Item, state: 'succeeded' | 'failed' | 'cancelled', code: string | undefined): void {
    Object.assign(item, { state, code })
    item.turn.done = state === 'succeeded' ? 'well' : 'badly'
    if (item.task.options.onEnded !== null) this.ended.push(item.task.id)
  }
}
