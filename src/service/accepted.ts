import type { Context } from 'koa'
import type { AddedTask } from '../core/task.ts'

/** Answers 202 with the tasks that a request added, and where the first of them can be watched. */
export function accepted(ctx: Context, message: string, added: readonly AddedTask[], prefix: string): void {
  const tasks = added.map(({ id, name }) => ({ id, name, href: `${prefix}/tasks/${id}` }))
  ctx.status = 202
  if (tasks[0] !== undefined) ctx.set('Location', tasks[0].href)
  ctx.body = { message, tasks }
}
