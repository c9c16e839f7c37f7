import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import { hasFailedAttempts, type AttemptRecord } from '../core/attempt.ts'
import { AfterworkError } from '../core/errors.ts'
import type { Events } from '../core/events.ts'
import { isId } from '../core/id.ts'
import type { PoolState, Resizing } from '../core/pool.ts'
import { hasEnded, taskStates, type TaskRecord, type TaskState } from '../core/task.ts'
import type { ListFilter, Records } from '../queue/queue.ts'
import { jsonBody } from './json-body.ts'
import { mountPrefix } from './mount-prefix.ts'
import { Problem } from './problem.ts'
import { taskDocument, wholeTaskDocument } from './task-document.ts'
import { TaskEvents, versionOf } from './task-events.ts'
import { TaskWatch } from './task-watch.ts'

const defaultLimit = 50
const maxLimit = 200
/** Clients that watch a task at a time. */
const maxWatchers = 1_000
/** How long a browser waits before it asks again for the events of a task, in milliseconds. */
const reconnect = 2_000

/** What the routes show and do. */
export interface Operations {
  records: Records
  events: Events
  cancel(id: string): Promise<TaskRecord>
  retry(id: string): Promise<TaskRecord>
  purge(id: string): Promise<void>
  pools(): PoolState[]
  resizePool(name: string, sizes: Resizing): Promise<PoolState>
  pausePool(name: string): Promise<PoolState>
  resumePool(name: string): Promise<PoolState>
}

/** Routes over tasks and pools, each behind `prefix`. */
export function taskRoutes(operations: Operations, prefix = ''): Middleware {
  const { records } = operations
  const watch = new TaskWatch(operations.events, records)
  const router = new Router({ prefix })
  let watchers = 0

  router.get('/tasks', async (ctx) => {
    const filter = listFilter(ctx.query)
    const found = await records.list({ ...filter, limit: filter.limit + 1 })
    const page = found.slice(0, filter.limit)
    const base = mountPrefix(ctx, '/tasks')
    show(ctx, {
      tasks: page.map((record) => taskDocument(record, base)),
      next: found.length > page.length ? page.at(-1)!.id : null,
    })
  })

  router.get('/tasks/stats', async (ctx) => {
    const [counts, oldest] = await Promise.all([records.counters(), records.oldest()])
    show(ctx, { counts, oldestAddedAt: oldest === null ? null : new Date(oldest).toISOString() })
  })

  router.get('/tasks/:id', async (ctx) => {
    const id = parameter(ctx, 'id')
    const record = await existing(id)
    show(ctx, wholeTaskDocument(record, mountPrefix(ctx, `/tasks/${id}`), await attemptsOf(record)))
  })

  router.get('/tasks/:id/events', async (ctx) => {
    const id = parameter(ctx, 'id')
    const seen = ctx.get('Last-Event-ID')
    const record = await existing(id)
    if (hasEnded(record.state) && versionOf(record) === seen) {
      ctx.status = 204
      return
    }
    if (watchers >= maxWatchers)
      throw new Problem(503, 'TOO_MANY_WATCHERS', 'Too many clients watch tasks; poll instead', {
        headers: { 'Retry-After': '5' },
      })
    const base = mountPrefix(ctx, `/tasks/${id}/events`)
    const events = new TaskEvents(
      {
        get: () => records.get(id),
        watch: (changed) => watch.watch(record.id, changed),
        document: (current) => taskDocument(current, base),
      },
      seen,
    )
    watchers++
    events.once('close', () => watchers--)
    ignoreLeaving(ctx)
    events.unshift(`retry: ${reconnect}\n\n`)
    ctx.type = 'text/event-stream'
    ctx.set('X-Accel-Buffering', 'no')
    ctx.set('Cache-Control', 'no-store')
    ctx.body = events
  })

  router.delete('/tasks/:id', async (ctx) => {
    await operations.purge(parameter(ctx, 'id'))
    ctx.status = 204
  })

  for (const action of ['cancel', 'retry'] as const) {
    router.post(`/tasks/:id/${action}`, async (ctx) => {
      const id = parameter(ctx, 'id')
      const record = await operations[action](id)
      show(ctx, taskDocument(record, mountPrefix(ctx, `/tasks/${id}/${action}`)), 202)
    })
  }

  router.get('/pools', (ctx) => show(ctx, { pools: operations.pools() }))

  router.patch('/pools/:name', async (ctx) => {
    const sizes = await jsonBody(ctx, 10_000)
    try {
      show(ctx, await operations.resizePool(parameter(ctx, 'name'), sizes as Resizing))
    } catch (error) {
      if (!(error instanceof AfterworkError) || error.code !== 'AFTERWORK_BAD_OPTION') throw error
      throw new Problem(422, error.code, error.message, { cause: error })
    }
  })

  for (const action of ['pause', 'resume'] as const) {
    router.post(`/pools/:name/${action}`, async (ctx) => {
      show(ctx, await operations[`${action}Pool`](parameter(ctx, 'name')))
    })
  }

  return router.routes() as unknown as Middleware

  async function existing(id: string): Promise<TaskRecord> {
    const record = await records.get(id)
    if (record !== undefined) return record
    throw new AfterworkError('AFTERWORK_TASK_NOT_FOUND', `There is no task ${id.slice(0, 64)}`)
  }

  /** Most tasks that are asked for run for the first time. */
  async function attemptsOf(record: TaskRecord): Promise<AttemptRecord[]> {
    return hasFailedAttempts(record) ? ((await records.attempts?.(record.id)) ?? []) : []
  }
}

/** Koa reports a stream whose reader goes away before its end; of events there is hardly another end. */
function ignoreLeaving(ctx: Context): void {
  const report = ctx.onerror.bind(ctx)
  ctx.onerror = (error: NodeJS.ErrnoException) => {
    if (error?.code !== 'ERR_STREAM_PREMATURE_CLOSE') report(error)
  }
}

function parameter(ctx: Context, name: string): string {
  return (ctx['params'] as Record<string, string>)[name]!
}

function show(ctx: Context, body: object, status = 200): void {
  ctx.status = status
  ctx.set('Cache-Control', 'no-store')
  ctx.body = body
}

function listFilter(query: Context['query']): ListFilter {
  const { state, name, cursor, limit } = query
  const filter: ListFilter = { limit: limit === undefined ? defaultLimit : Number(limit) }
  if (!Number.isInteger(filter.limit) || filter.limit < 1 || filter.limit > maxLimit) {
    throw badQuery(`limit: Expected an integer from 1 to ${maxLimit}`)
  }
  if (state !== undefined) {
    if (!taskStates.includes(state as TaskState))
      throw badQuery(`state: Expected one of ${taskStates.join(', ')}`)
    filter.state = state as TaskState
  }
  if (name !== undefined) {
    if (typeof name !== 'string') throw badQuery('name: Expected one name')
    filter.name = name
  }
  if (cursor !== undefined) {
    if (!isId(cursor)) throw badQuery('cursor: Expected the `next` of an earlier page')
    filter.cursor = cursor
  }
  return filter
}

function badQuery(detail: string): Problem {
  return new Problem(400, 'BAD_QUERY', detail)
}
