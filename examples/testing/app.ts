import Koa from 'koa'
import type { Afterwork } from 'afterwork'
import { tasks } from './tasks.ts'

/** The app, with whatever background tasks it is given: createAfterwork() in production, testAfterwork() in tests. */
export function createApp(afterwork: Afterwork): Koa {
  const app = new Koa()
  app.use(afterwork.middleware())
  app.use((ctx) => {
    const to = String(ctx.query['to'])
    ctx.background.addTask(tasks.mail.sendEmail, { to, subject: 'Welcome' })
    ctx.background.addTask(tasks.mail.sendEmail.with({ delay: '3d' }), { to, subject: 'How is it going?' })
    ctx.status = 202
    ctx.body = { message: `Welcome, ${to}` }
  })
  return app
}
