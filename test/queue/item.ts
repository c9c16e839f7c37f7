import { batchSize, type NewTask, type TaskState } from '../../src/core/task.ts'

/** A task as the promises see it. */
export interface Item {
  task: NewTask
  state: TaskState
  attempt: number
  failures: number
  suspect: boolean
  claimed: boolean
  /** Its time is not here for as long as a test runs. */
  far: boolean
  /** Its claims within the window of the rate limit, which is longer than a test. */
  starts: number
  /** The code of what it failed with or was cancelled for. */
  code: string | undefined
  turn: Turn
}

/** A place in a group, of a task or of an alias. */
export interface Turn {
  id: string
  item: Item
  held: boolean
  reached: boolean
  done?: 'well' | 'badly'
}

/** A task that is nobody's alias. */
export function newItem(task: NewTask): Item {
  const { delay, runAt } = task.options
  const far = delay > 0 || (runAt ?? 0) > Date.now()
  const none = { attempt: 0, failures: 0, starts: 0 }
  return { task, state: 'queued', far, ...none, suspect: false, claimed: false, code: undefined } as Item
}

/** How many slots tasks fill that are claimed together. */
export function slotsOf(items: readonly Item[]): number {
  const batched = items.filter(({ task }) => task.options.batch).length
  return items.length - batched + Math.ceil(batched / batchSize)
}

/** Its turn has come. */
export function offer(item: Item): undefined {
  item.state = item.far ? 'scheduled' : 'queued'
}

export function keyOf({ name, options: { unique } }: NewTask): string | null {
  return unique === null ? null : JSON.stringify([name, unique])
}

export function bytesOf(tasks: readonly NewTask[]): number {
  return tasks.reduce((sum, { args }) => sum + Buffer.byteLength(args), 0)
}

/** A claim that is taken back is no start. */
export function unclaim(item: Item): void {
  item.claimed = false
  item.starts--
}

/** Whether the limits of its name let it start beside what runs among `items`, and beside `claimed`. */
export function admits(
  { task: { name, options } }: Item,
  items: readonly Item[],
  claimed: readonly Item[],
): boolean {
  const [concurrency, max] = [options.concurrency ?? Infinity, options.rateLimit?.max ?? Infinity]
  const now = claimed.filter(({ task }) => task.name === name).length
  const named = items.filter(({ task }) => task.name === name)
  const busy = named.filter((item) => item.claimed || item.state === 'running').length
  const starts = named.reduce((sum, item) => sum + item.starts, 0)
  return busy + now < concurrency && starts + now < max
}
