import type { Context, Middleware } from 'koa'
import type { Events } from '../core/events.ts'
import type { NewTask } from '../core/task.ts'
import type { LocalPool } from '../pool/local.ts'
import type { Intake } from '../queue/intake.ts'
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
  local: LocalPool
  events: Events
}

/**
 * Collects the tasks of a request, commits them before the first byte of the response, held, and releases them when
 * the response has closed. Use it outermost: it must see the status that is sent.
 */
export function backgroundMiddleware({ intake, local, events }: MiddlewareParts): Middleware {
  return async function afterwork(ctx, next) {
    const background = new Background(intake, local)
    ctx.background = background
    try {
      await background.run(next)
    } catch (error) {
      await settle(ctx, background.close(), 'the handler threw')
      throw error
    }
    if (background.size === 0) return void background.close()
    await settle(ctx, background.close(), ctx.status >= 400 ? refusal(ctx) : undefined)
  }

  /** Commits the tasks, or when the request was refused for a `reason` only those that want to stay. */
  async function settle(ctx: Context, tasks: NewTask[], reason: string | undefined): Promise<void> {
    const kept = reason === undefined ? tasks : tasks.filter(({ options }) => options.keepOnError)
    const dropped = reason === undefined ? [] : tasks.filter(({ options }) => !options.keepOnError)
    forget(dropped)
    intake.drop(dropped, reason ?? '')
    if (kept.length === 0) return
    try {
      await intake.commit(kept, { held: true })
    } catch (error) {
      forget(kept)
      throw error
    }
    onceClosed(ctx, () => {
      intake.release(kept).catch((error: unknown) => {
        events.emit('afterwork.error', {
          at: Date.now(),
          error: error as Error,
          during: 'releasing the tasks of a response',
        })
      })
    })
  }

  function forget(tasks: NewTask[]): void {
    for (const { id } of tasks) local.forget(id)
  }
}

function refusal(ctx: Context): string {
  if (ctx.status === 404 && ctx.body === undefined) return 'the answer was 404: no body or status was set'
  return `the answer was ${ctx.status}`
}

/** 'finish' never comes when the client goes away; 'close' always does, unless it has come already. */
function onceClosed({ res }: Context, release: () => void): void {
  if (res.closed || res.destroyed) release()
  else res.once('close', release)
}
