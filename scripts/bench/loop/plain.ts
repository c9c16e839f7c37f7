import Koa from 'koa'
import { listening, type ListeningSystem } from '../harness/system-module.ts'
import { burn } from './burn.ts'

/** Koa without a pool: POST /work?ms= does the work in its handler, on the loop. */
export async function start(): Promise<ListeningSystem> {
  const app = new Koa()
  app.use((ctx) => {
    switch (`${ctx.method} ${ctx.path}`) {
      case 'GET /ping':
        ctx.body = 'pong'
        return
      case 'POST /work':
        ctx.body = burn(Number(ctx.query['ms']))
    }
  })
  return listening(app.listen(0, '127.0.0.1'))
}
