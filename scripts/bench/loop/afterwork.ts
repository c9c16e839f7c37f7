import { createAfterwork, type Afterwork, type Background } from 'afterwork'
import Koa from 'koa'
import { listening, type ListeningSystem } from '../harness/system-module.ts'
import { tasks } from './tasks.ts'

/** An app that adds tasks with POST /burst?tasks=&ms= and answers GET /ended when all have ended. */
export async function start(): Promise<ListeningSystem> {
  const afterwork = createAfterwork({ tasks, queue: 'memory:', logger: false })
  let ended: Promise<void> | undefined

  const app = new Koa()
  app.use(afterwork.middleware())
  app.use(async (ctx) => {
    switch (`${ctx.method} ${ctx.path}`) {
      case 'GET /ping':
        ctx.body = 'pong'
        return
      case 'POST /burst':
        addBurst(ctx.background, Number(ctx.query['tasks']), Number(ctx.query['ms']))
        ended = succeeded(afterwork, Number(ctx.query['tasks']))
        ctx.status = 202
        return
      case 'GET /ended':
        await ended
        ctx.body = 'ended'
    }
  })
  await afterwork.start()
  return listening(app.listen(0, '127.0.0.1'))
}

function addBurst(background: Background, count: number, ms: number): void {
  for (let task = 0; task < count; task++) background.addTask(tasks.work.burn, ms)
}

/** Resolves when so many tasks have succeeded; rejects when one has failed. */
function succeeded(afterwork: Afterwork, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = count
    afterwork.on('task.succeeded', () => --left === 0 && resolve())
    afterwork.on('task.failed', ({ failure }) => reject(new Error(failure.message)))
  })
}
