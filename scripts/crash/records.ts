import { setTimeout as wait } from 'node:timers/promises'
import type { TaskDocument } from 'afterwork'
import { getJson } from './send.ts'

/** A task as GET /tasks/:id tells of it. */
export interface SeenTask {
  id: string
  name: string
  state: TaskDocument['state']
  attempt: number
  error: { code: string | null; message: string } | null
  /** Milliseconds since 1970. */
  addedAt: number
  endedAt: number | null
  /** Which task of which request it is, as its arguments say. */
  marker: string | null
  /** The stored file among its arguments, with the names of what was made of it. */
  file: { id: string; variants: string[] } | null
}

/** How many are asked for at a time: as many as the service gives. */
const pageSize = 200

/** How long a service may be without its database, and how often it is asked meanwhile, in milliseconds. */
const away = { most: 60_000, interval: 250 }

/** What the tasks of a state, or all, look like in a list, newest first. */
export async function listTasks(url: string, state?: TaskDocument['state']): Promise<TaskDocument[]> {
  const found: TaskDocument[] = []
  let cursor = ''
  for (;;) {
    const query = `limit=${pageSize}${state === undefined ? '' : `&state=${state}`}${cursor}`
    const page = await ask<{ tasks: TaskDocument[]; next: string | null }>(`${url}/tasks?${query}`)
    found.push(...page.tasks)
    if (page.next === null) return found
    cursor = `&cursor=${page.next}`
  }
}

/** How many tasks have not ended, all at one moment. */
export async function countLive(url: string): Promise<number> {
  const { counts } = await ask<{ counts: Record<TaskDocument['state'], number> }>(`${url}/tasks/stats`)
  return counts.queued + counts.scheduled + counts.running
}

/** The tasks that have not ended; one that goes on to a state that was read already is missed. */
export async function liveTasks(url: string): Promise<TaskDocument[]> {
  const lists = []
  for (const state of ['scheduled', 'queued', 'running'] as const) lists.push(await listTasks(url, state))
  return lists.flat()
}

/** What is known of one task, or undefined when nothing is. */
export async function getTask(url: string, id: string): Promise<SeenTask | undefined> {
  try {
    return seen(await ask<TaskDocument>(`${url}/tasks/${id}`))
  } catch (error) {
    if ((error as { status?: number }).status === 404) return undefined
    throw error
  }
}

/**
 * Again where it is answered 503, or the service has just closed the idle connection over which it was asked; throws when
 * there is another answer than 200, with the status as `status`.
 */
async function ask<T>(url: string): Promise<T> {
  for (const end = performance.now() + away.most; ;) {
    try {
      return await getJson<T>(url)
    } catch (error) {
      const { status } = error as { status?: number }
      if ((status !== undefined && status !== 503) || performance.now() > end) throw error
      await wait(away.interval)
    }
  }
}

function seen(document: TaskDocument): SeenTask {
  const { id, name, state, attempt, error, addedAt, endedAt, result } = document
  const args = document.arguments as [({ marker?: string; args?: { marker: string }[] } | null)?, unknown?]
  const [note, file] = args ?? []
  const parent = note?.args?.[0]?.marker
  const variants = (result as { variants?: { name: string }[] } | null)?.variants ?? []
  return {
    id,
    name,
    state,
    attempt,
    error: error === null ? null : { code: error.code ?? null, message: error.message },
    addedAt: Date.parse(addedAt),
    endedAt: endedAt === null ? null : Date.parse(endedAt),
    marker: parent === undefined ? (note?.marker ?? null) : `${parent}.e`,
    file:
      name === 'files.process'
        ? { id: (file as { id: string }).id, variants: variants.map((variant) => variant.name) }
        : null,
  }
}
