import { oneOf } from '../../core/check.ts'
import { milliseconds } from '../../core/duration.ts'
import { badOption } from '../../core/errors.ts'
import { isId } from '../../core/id.ts'
import { taskStates, type TaskState } from '../../core/task.ts'
import type { Flags } from '../flags.ts'
import type { Operator, ShownTask } from '../operator/operator.ts'

/** Tasks that one question brings at most. */
export const mostAtOnce = 200

/** `--state`, if it is given. */
export function stateOf(flags: Flags, allowed: readonly TaskState[] = taskStates): TaskState | undefined {
  const state = flags.text('state')
  return state === undefined ? undefined : oneOf(allowed)(state, '--state')
}

/** A whole number of a flag, from `min`. */
export function wholeOf(flags: Flags, name: string, min: number, max: number): number | undefined {
  const text = flags.text(name)
  if (text === undefined) return undefined
  const value = /^\d+$/.test(text) ? Number(text) : NaN
  if (value >= min && value <= max) return value
  throw badOption(`--${name}`, `a whole number from ${min} to ${max}`, text)
}

/** `--before` in milliseconds since 1970: a time ago, such as 7d, or a date. */
export function beforeOf(flags: Flags, now: number): number | undefined {
  const text = flags.text('before')
  if (text === undefined) return undefined
  if (/^[\d.]+(ms|s|m|h|d)$/.test(text)) return now - milliseconds(text, '--before')
  // Anything else that Date.parse() takes, such as 7, would surprise.
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN
  if (!Number.isNaN(date)) return date
  throw badOption('--before', `a time ago such as '7d', or a date such as '2026-11-21'`, text)
}

/** `--cursor`, if it is given. */
export function cursorOf(flags: Flags): string | undefined {
  const cursor = flags.text('cursor')
  if (cursor === undefined || isId(cursor)) return cursor
  throw badOption('--cursor', 'the `next` of an earlier page', cursor)
}

/** Ids of tasks, each once. */
export function idsOf({ words }: Flags): string[] {
  for (const word of words) if (!isId(word)) throw badOption('ID', 'the id of a task', word)
  return [...new Set(words)]
}

/** Tasks in every page from the newest on. */
export async function* pages(
  operator: Operator,
  filter: { state?: TaskState | undefined; name?: string | undefined; cursor?: string | undefined },
): AsyncGenerator<ShownTask[]> {
  const { state, name } = filter
  let cursor = filter.cursor ?? null
  do {
    const page = await operator.list({
      ...(state !== undefined && { state }),
      ...(name !== undefined && { name }),
      ...(cursor !== null && { cursor }),
      limit: mostAtOnce,
    })
    yield page.tasks
    cursor = page.next
  } while (cursor !== null)
}
