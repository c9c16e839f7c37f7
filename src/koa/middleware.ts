import type { Context, Middleware } from 'koa'
import type { Events } from '../core/events.ts'
import type { LocalFunctions } from '../core/pool.ts'
import type { NewTask } from '../core/task.ts'
import type { FileStore } from '../files/store.ts'
import type { Intake } from '../queue/intake.ts'
import type { Records } from '../queue/queue.ts'
import { Background } from './background.ts'

declare module 'koa' {
  interface ExtendableContext {
    /** The tasks that this request adds; they start after its response. */
    background: Background
  }
}

/** What the middleware works with. */
export interface MiddlewareParts {
  intake: Intake
  local: LocalFunctions
  records: Records
  files: FileStore
  events: Events
}

/**
 * Collects the tasks of a request, commits them before the first byte of the response, held, and releases them when
 * the response has closed. Use it outermost: it must see the status that is sent.
 */
export function backgroundMiddleware({ intake, local, records, files, events }: MiddlewareParts): Middleware {
  return async function afterwork(ctx, next) {
    // Used twice, as in an app that is mounted in another: the outer one collects.
    if (ctx.background instanceof Background && ctx.background.isOf(intake)) return next()
    const background = new Background(intake, local, {
      hold: (tasks) => hold(ctx, tasks),
      begun: () => ctx.headerSent,
    })
    ctx.background = background
    try {
      await background.run(next)
      await background.committed
      if (background.size > 0 || background.receipt !== undefined) {
        const tasks = background.close()
        const refused = ctx.status >= 400 && tasks.length > 0
        await (refused ? settle(ctx, tasks, refusal(ctx)) : hold(ctx, tasks))
      }
    } catch (error) {
      await settleThrown(ctx, background.close())
      throw error
    } finally {
      background.close()
      background.settle()
      if (background.files.length > 0)
        onceClosed(ctx, () => report(removeUnnamed(background), 'removing the files of a request'))
    }
  }

  /** Commits of the tasks of a request that was refused for a `reason` those that want to stay. */
  async function settle(ctx: Context, tasks: NewTask[], reason: string): Promise<void> {
    const kept = tasks.filter(({ options }) => options.keepOnError)
    const dropped = tasks.filter(({ options }) => !options.keepOnError)
    forget(dropped)
    intake.drop(dropped, reason)
    if (kept.length > 0 || ctx.background.receipt !== undefined) await hold(ctx, kept)
  }

  /** What the handler threw is the answer, also when the tasks that want to stay cannot. */
  async function settleThrown(ctx: Context, tasks: NewTask[]): Promise<void> {
    try {
      await settle(ctx, tasks, 'the handler threw')
    } catch (error) {
      intake.drop(
        tasks.filter(({ options }) => options.keepOnError),
        `the handler threw, and then: ${(error as Error).message}`,
      )
    }
  }

  /** Commits tasks that start once the response has closed. */
  async function hold(ctx: Context, tasks: NewTask[]): Promise<void> {
    try {
      await intake.commit(tasks, { held: true, receipt: ctx.background.receipt })
    } catch (error) {
      forget(tasks)
      throw error
    }
    if (tasks.length === 0) return
    onceClosed(ctx, () => report(intake.release(tasks), 'releasing the tasks of a response'))
  }

  function forget(tasks: NewTask[]): void {
    for (const { id } of tasks) local.forget(id)
  }

  /** A file is a task's once one that was committed names it; all others go with their request. */
  async function removeUnnamed(background: Background): Promise<void> {
    try {
      await intake.undone()
      for (const { id } of background.files) {
        if ((await records.file(id)) === undefined) await files.remove([id])
      }
    } finally {
      for (const { id } of background.files) files.release(id)
    }
  }

  function report(work: Promise<void>, during: string): void {
    work.catch((error: unknown) =>
      events.emit('afterwork.error', { at: Date.now(), error: error as Error, during }),
    )
  }
}

function refusal(ctx: Context): string {
  if (ctx.respond === false && !ctx.headerSent) {
    return 'ctx.respond is false and nothing was sent yet: use `await ctx.background.commit()`'
  }
  if (ctx.status === 404 && ctx.body === undefined) return 'the answer was 404: no body or status was set'
  return `the answer was ${ctx.status}`
}

/** 'finish' never comes when the client goes away; 'close' always does, unless it has come already. */
function onceClosed({ res }: Context, act: () => void): void {
  if (res.closed || res.destroyed) act()
  else res.once('close', act)
}
