import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import { AfterworkError } from '../core/errors.ts'
import { isId } from '../core/id.ts'
import type { PoolState } from '../core/pool.ts'
import { taskStates, type TaskState } from '../core/task.ts'
import type { ListFilter, Records } from '../queue/queue.ts'
import { mountPrefix } from './mount-prefix.ts'
import { Problem } from './problem.ts'
import { taskDocument } from './task-document.ts'

const defaultLimit = 50
const maxLimit = 200

/** Routes over the tasks and pools: GET /tasks, /tasks/:id and /pools, each behind `prefix`. */
export function taskRoutes(records: Records, pools: () => PoolState[], prefix = ''): Middleware {
  const router = new Router({ prefix })

  router.get('/tasks', async (ctx) => {
    const filter = listFilter(ctx.query)
    const found = await records.list({ ...filter, limit: filter.limit + 1 })
    const page = found.slice(0, filter.limit)
    const base = mountPrefix(ctx, '/tasks')
    noStore(ctx)
    ctx.body = {
      tasks: page.map((record) => taskDocument(record, base)),
      next: found.length > page.length ? page.at(-1)!.id : null,
    }
  })

  router.get('/tasks/:id', async (ctx) => {
    const { id } = ctx['params'] as { id: string }
    const record = await records.get(id)
    if (record === undefined)
      throw new AfterworkError('AFTERWORK_TASK_NOT_FOUND', `There is no task ${id.slice(0, 64)}`)
    noStore(ctx)
    ctx.body = taskDocument(record, mountPrefix(ctx, `/tasks/${id}`))
  })

  router.get('/pools', (ctx) => {
    noStore(ctx)
    ctx.body = { pools: pools() }
  })

  return router.routes() as unknown as Middleware
}

function noStore(ctx: Context): void {
  ctx.set('Cache-Control', 'no-store')
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
