import { randomUUID } from 'node:crypto'
import Koa, { type Context, type Middleware } from 'koa'
import { LoopDelay } from '../harness/loop-delay.ts'
import { listening, type ListeningSystem } from '../harness/system-module.ts'
import type { Seen } from './protocol.ts'

/** What one of the compared apps adds to the plain one. */
export interface Additions {
  middleware?: Middleware
  /** What the route does before it answers; gives the id to answer. Default: a random one. */
  accept?: (ctx: Context) => string
  tasks?: () => Omit<Seen, 'delay'>
  /** Resolves when all that was accepted has ended. */
  settle?: () => Promise<void>
}

/** A Koa app that answers POST /letters with 202 and an id: the same with a task as without. */
export async function startApp({
  middleware,
  accept = () => randomUUID(),
  tasks = () => ({ accepted: null, open: 0 }),
  settle = async () => {},
}: Additions): Promise<ListeningSystem> {
  const app = new Koa()
  if (middleware !== undefined) app.use(middleware)
  app.use((ctx) => {
    if (ctx.method !== 'POST' || ctx.path !== '/letters') return
    ctx.status = 202
    ctx.body = { id: accept(ctx) }
  })
  const delay = new LoopDelay()
  function see(): Seen {
    const seen = { delay: delay.p99, ...tasks() }
    delay.reset()
    return seen
  }
  async function settled(): Promise<Seen> {
    await settle()
    return see()
  }
  return { ...(await listening(app.listen(0, '127.0.0.1'))), answers: { see, settled } }
}
