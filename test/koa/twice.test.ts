import test from 'ava'
import { listen, startAfterwork } from '../support/app.ts'
import { send } from '../support/http.ts'
import { tasks } from '../support/tasks.ts'

test('the middleware of a mounted app adds to the collection of the outer one', async (t) => {
  const { afterwork, events } = await startAfterwork(t)
  const { url } = await listen(t, afterwork, (app) => {
    app.use(async (ctx, next) => {
      ctx.background.addTask(tasks.steps.echo, 'outer')
      await next()
    })
    app.use(afterwork.middleware())
    app.use((ctx) => {
      ctx.body = ctx.background.addTask(tasks.steps.echo, 'inner')
    })
  })
  const { status, json } = await send(url)
  t.is(status, 200)
  t.is(await events.ended((json as { id: string }).id), 'succeeded')
  t.is(events.of('task.succeeded').length, 2)
})

test('a commit() that the handler does not await is in the queue before the response all the same', async (t) => {
  const { afterwork, events } = await startAfterwork(t)
  const { url } = await listen(t, afterwork, (app) => {
    app.use((ctx) => {
      ctx.body = ctx.background.addTask(tasks.steps.echo, 'late')
      void ctx.background.commit()
      ctx.status = 500
    })
  })
  const { json } = await send(url)
  t.is(await events.ended((json as { id: string }).id), 'succeeded')
})
