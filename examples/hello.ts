/**
 * The answer comes at once; five seconds of work are done after it, and the log says when they are.
 * Try: node --conditions=afterwork-source examples/hello.ts, then open the URL it prints.
 */
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { createAfterwork } from 'afterwork'
import { tasks } from './hello/tasks.ts'

const app = new Koa()
const afterwork = createAfterwork({ tasks })

app.use(afterwork.middleware())
app.use((ctx) => {
  ctx.background.addTask(tasks.slow.work, Number(ctx.query['seconds'] ?? 5))
  ctx.body = 'Hello World'
})

await afterwork.start()
const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
